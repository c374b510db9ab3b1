// Kafka 4.1 in KRaft mode: every node is broker and controller in one process.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { Cache } from './cache.ts';
import { freePorts, HOST } from './free-ports.ts';
import { findJava } from './java.ts';
import { javaClassPath } from './java-class-path.ts';
import { LocalServerError } from './local-server-error.ts';
import type { Prepared } from './prepared.ts';
import { runProgram } from './run-program.ts';
import { compilersOf, FIRST_COMPILER_ONLY } from './short-lived.ts';

export type KafkaNode = {
  readonly id: number;
  readonly brokerPort: number;
  readonly controllerPort: number;
  /** Addresses of its own: one for clients, one for the other nodes. Without, it is 127.0.0.1 to everybody. */
  readonly hosts?: { readonly clients: string; readonly nodes: string; readonly nodesPort: number };
  /** Where it keeps its log; a folder of its run folder by default. */
  readonly logFolder?: string;
  /** Stands before every command of this node, as what lets it run in a namespace of its own. */
  readonly enter?: readonly string[];
};

// Any will do, as nothing but we uses the data folders; the same for all nodes of a cluster, and at every start.
const CLUSTER_ID = 'ZmFubG9nLWxvY2FsLWthZg';
// Alone it gets what facts were measured with; three share a machine.
const HEAP_ALONE_MB = 768;
const HEAP_SHARED_MB = 320;
// It takes one second.
const FORMAT_MS_MAX = 60_000;

/** `count` nodes that know each other, on free ports. */
export async function chooseKafkaNodes(count: number): Promise<KafkaNode[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, index) => {
    return { id: index + 1, brokerPort: ports[2 * index]!, controllerPort: ports[2 * index + 1]! };
  });
}

/** One node of the cluster `nodes`, with its log in `folder`: an empty one, or that of an earlier run. */
export async function prepareKafka(
  cache: Cache,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
  nodes?: readonly KafkaNode[],
  node?: KafkaNode,
): Promise<Prepared> {
  const java = findJava(env);
  const classPath = await javaClassPath('kafka', cache, env, progress);
  const all = nodes ?? (await chooseKafkaNodes(1));
  const self = node ?? all[0]!;
  const heap_mb = all.length === 1 ? HEAP_ALONE_MB : HEAP_SHARED_MB;
  const properties = join(folder, 'server.properties');
  const log = self.logFolder ?? join(folder, 'log');
  writeFileSync(properties, serverProperties(self, all, log));
  const [executable, ...entering] = [...(self.enter ?? []), java];
  // A node in a namespace may see another folder under this name: it is always new there.
  if (self.enter !== undefined || !existsSync(join(log, 'meta.properties')))
    await format([executable!, ...entering], classPath, properties, env);
  return {
    address: `${self.hosts?.clients ?? HOST}:${self.brokerPort}`,
    ports: [self.brokerPort, self.controllerPort],
    executable: executable!,
    args: [
      ...entering,
      `-Xms${heap_mb / 2}m`,
      `-Xmx${heap_mb}m`,
      // As Kafka's own start script has it.
      ...['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35'],
      ...compilersOf(env),
      ...LOGGING,
      ...['-cp', classPath, 'kafka.Kafka', properties],
    ],
    ready_ms_max: 120_000,
  };
}

const LOGGING = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
];

function serverProperties(self: KafkaNode, nodes: readonly KafkaNode[], log: string): string {
  const copies = Math.min(nodes.length, 3);
  const settings = {
    // For a machine that everything shares: more threads than cores are only woken and put to sleep.
    'num.network.threads': 1,
    'num.io.threads': 2,
    'num.replica.fetchers': 1,
    'process.roles': 'broker,controller',
    'node.id': self.id,
    listeners: [...listenersOf(self), `CONTROLLER://${controllerOf(self)}`].join(','),
    'advertised.listeners': listenersOf(self).join(','),
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'BROKER',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': nodes.map((node) => `${node.id}@${controllerOf(node)}`).join(','),
    'log.dirs': log,
    // A typing error in a topic's name is an error, not a topic.
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': Math.max(1, copies - 1),
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 8, // instead of 50: they are made, and led, at the first group
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': Math.max(1, copies - 1),
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': 1,
    // Recovery within seconds: a dead broker loses its partitions, a dead consumer (sessions of 6 s) its turn.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

// One listener for everybody, or, with addresses of its own, one for clients and one for the other nodes.
function listenersOf({ brokerPort, hosts }: KafkaNode): readonly string[] {
  if (hosts === undefined) return [`BROKER://${HOST}:${brokerPort}`];
  return [`CLIENT://${hosts.clients}:${brokerPort}`, `BROKER://${hosts.nodes}:${hosts.nodesPort}`];
}

function controllerOf({ controllerPort, hosts }: KafkaNode): string {
  return `${hosts?.nodes ?? HOST}:${controllerPort}`;
}

// Writes the cluster's id and the version of its metadata into the log folder. A short-lived program: it needs no
// second compiler.
async function format(
  [executable, ...entering]: readonly [string, ...string[]],
  classPath: string,
  properties: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const jvm = ['-Xmx128m', '-XX:+UseSerialGC', ...FIRST_COMPILER_ONLY, ...LOGGING];
  const args = [
    ...entering,
    ...jvm,
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    CLUSTER_ID,
    '-c',
    properties,
  ];
  const { code, output } = await runProgram(executable, args, env, FORMAT_MS_MAX);
  if (code === 0) return;
  throw new LocalServerError(`kafka: formatting its storage failed: ${output.trim().replaceAll('\n', ' ')}`);
}

/** Rejects unless every address (separated by commas) is a broker of a cluster that knows as many brokers at least. */
export async function askKafka(addresses: string): Promise<void> {
  const brokers = addresses.split(',');
  const kafka = new Kafka({
    brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 3_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length < brokers.length) throw new Error(`${cluster.brokers.length} brokers so far`);
  } finally {
    await admin.disconnect();
  }
}
