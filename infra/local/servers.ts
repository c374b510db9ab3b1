// Kafka, Cassandra and Redis on this machine, for tests and for trying out: started on free ports of 127.0.0.1, with
// empty data (or those of an earlier run: `dataFolder`), and ended with the process that started them, however it ends.
//
// A server is, in this order: one of your own (FANLOG_KAFKA, FANLOG_CASSANDRA, FANLOG_REDIS), which must answer; one
// that an earlier run left running (FANLOG_KEEP_SERVERS=1, `npm run servers`), if it answers and no data folder is asked
// for; or a new one.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { withoutPassword } from '../../services/kernel/without-password.ts';
import { openCache, SERVER_NAMES, type ServerName } from './cache.ts';
import { javaClassPath, unpackedJars } from './java-class-path.ts';
import { askKafka, chooseKafkaNodes, type KafkaNode } from './kafka.ts';
import {
  ask,
  type Context,
  endRunning,
  launch,
  launchReady,
  oneLine,
  type Running,
  relaunch,
  untilAnswers,
  untilReady,
} from './launch.ts';
import { LocalServerError } from './local-server-error.ts';
import { withLock } from './lock.ts';
import { endByPid, startDetached, startWatched } from './server-process.ts';
import { forgetWarm, readWarm, writeWarm } from './warm-servers.ts';

export { SERVER_NAMES, type ServerName } from './cache.ts';
export { LocalServerError } from './local-server-error.ts';

export type ServerOptions = {
  /** Where FANLOG_* (FANLOG_SHORT_LIVED_SERVERS: short-lived.ts), PATH and JAVA_HOME are read; process.env by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told, a line each, what takes its time; by default nobody is. */
  readonly progress?: (line: string) => void;
  /** Leave new servers running when this process ends; by default if FANLOG_KEEP_SERVERS is 1. */
  readonly keep?: boolean;
  /** New servers keep their data in folders of this one, by name, and find those of earlier runs. One user at a time. */
  readonly dataFolder?: string;
  /** Where new servers write their logs, by name, and leave them; by default below FANLOG_CACHE, while they are needed. */
  readonly logFolder?: string;
  /** Breaks the start off: new servers that do not answer yet are ended. */
  readonly signal?: AbortSignal;
};

export type LocalServer = {
  readonly name: ServerName;
  /** host:port; of one's own servers what the environment says, which may be several, separated by commas. */
  readonly address: string;
  /** Of a server that this machine's launcher started, now or in an earlier run; null of one's own. */
  readonly pid: number | null;
  /** The file that it writes its log to; null where we did not start it. */
  readonly log: string | null;
  /** own: named by the environment; warm: it stays; new: it ends with this process. */
  readonly kind: 'own' | 'warm' | 'new';
  /** Of a new one that ended without us: the same again, on its port and data. Resolves when it answers. */
  readonly restart?: () => Promise<void>;
  /** Of a new one: resolves when it ended, or was ended; asked for again after a restart. */
  readonly exited?: () => Promise<void>;
  /** Ends a new server, and removes its data unless they are kept; leaves the others alone. */
  readonly stop: () => Promise<void>;
};

export type LocalServers = {
  readonly kafka: string;
  readonly cassandra: string;
  readonly redis: string;
  /** One by one. */
  readonly all: readonly LocalServer[];
  /** Of the servers that are not one's own. */
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
};

const OWN_READY_MS_MAX = 5_000;
const WARM_READY_MS_MAX = 5_000;

/** All three, ready. Rejects with a LocalServerError of one line (and a log's tail); then nothing is left running. */
export async function startServers(options: ServerOptions = {}): Promise<LocalServers> {
  const results = await Promise.allSettled(SERVER_NAMES.map((name) => startServer(name, options)));
  const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const [kafka, cassandra, redis] = servers.map(({ address }) => address);
  const pids = servers.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  return { kafka: kafka!, cassandra: cassandra!, redis: redis!, all: servers, pids, stop };
}

/** One of them, ready. Rejects with a LocalServerError; then it is not running. */
export async function startServer(name: ServerName, options: ServerOptions = {}): Promise<LocalServer> {
  const { env = process.env, progress = () => {} } = options;
  const own = env[`FANLOG_${name.toUpperCase()}`]?.trim();
  if (own !== undefined && own !== '') return ownServer(name, own, env);
  const { dataFolder, logFolder, signal } = options;
  const context = { env, progress, cache: openCache(env), dataFolder, logFolder, signal };
  if (dataFolder !== undefined) return newServer(name, context);
  const keep = options.keep ?? env.FANLOG_KEEP_SERVERS?.trim() === '1';
  if (!keep) return (await warmServer(name, context)) ?? newServer(name, context);
  // Of two that want to keep one, the second finds the first's.
  const lock = join(context.cache.servers, `${name}.lock`);
  return withLock(lock, `another process that starts ${name}`, progress, async () => {
    return (await warmServer(name, context)) ?? keptServer(name, context);
  });
}

/** Brings into the cache what the servers consist of. Starting them does so too; this is for doing it beforehand. */
export async function downloadServers(options: ServerOptions = {}): Promise<void> {
  const { env = process.env, progress = () => {} } = options;
  const cache = openCache(env);
  await javaClassPath('kafka', cache, env, progress);
  await javaClassPath('cassandra', cache, env, progress);
  await unpackedJars('redis', cache, env, progress);
}

/** Ends what earlier runs left running; resolves with their names. */
export async function stopWarmServers(env: NodeJS.ProcessEnv = process.env): Promise<ServerName[]> {
  const cache = openCache(env);
  const ended: ServerName[] = [];
  for (const name of SERVER_NAMES) {
    const warm = readWarm(cache, name);
    if (warm === undefined) continue;
    await endByPid(warm.pid, warm.folder);
    rmSync(warm.log, { force: true });
    forgetWarm(cache, name);
    ended.push(name);
  }
  return ended;
}

export type KafkaClusterNode = {
  readonly id: number;
  readonly address: string;
  /** The file that it writes its log to. */
  readonly log: string;
  pid(): number;
  /** Resolves when it ended, or was ended; asked for again after a restart. */
  exited(): Promise<void>;
  /** Of one that ended without us: the same again, on its data and ports. Resolves when it answers. */
  restart(): Promise<void>;
};

export type KafkaCluster = {
  /** host:port of every node, separated by commas. */
  readonly kafka: string;
  /** By node id - 1. */
  readonly nodes: readonly KafkaClusterNode[];
  readonly stop: () => Promise<void>;
};

export type KafkaClusterOptions = ServerOptions & {
  /** Gives nodes addresses, namespaces or log folders of their own. */
  readonly place?: (nodes: readonly KafkaNode[]) => readonly KafkaNode[];
};

/** New brokers that know each other, for tests of their failing. Never warm, never one's own. */
export async function startKafkaCluster(count: number, options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
  const { env = process.env, progress = () => {}, place = (nodes) => nodes } = options;
  const context = { env, progress, cache: openCache(env) };
  const nodes = place(await chooseKafkaNodes(count));
  const running: Running[] = [];
  const stop = async () => {
    await Promise.all(running.map((node) => endRunning(node)));
  };
  try {
    // One after the other: the first download and two cores want it so. None answers before most of them are up.
    for (const node of nodes) running.push(await launch('kafka', context, startWatched, { nodes, node }));
    const kafka = running.map(({ prepared }) => prepared.address).join(',');
    await untilReady(`kafka (${count} brokers)`, running, () => askKafka(kafka));
    return {
      kafka,
      nodes: running.map(({ prepared, place }, index) => ({
        id: nodes[index]!.id,
        address: prepared.address,
        log: place.log,
        pid: () => running[index]!.process.pid,
        exited: () => running[index]!.process.exited,
        restart: async () => {
          const again = await relaunch(running[index]!, context);
          running[index] = again;
          await untilReady('kafka', [again], () => askKafka(again.prepared.address));
        },
      })),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownServer(name: ServerName, address: string, env: NodeJS.ProcessEnv): Promise<LocalServer> {
  const setting = `FANLOG_${name.toUpperCase()}=${withoutPassword(address)}`;
  try {
    await untilAnswers(
      OWN_READY_MS_MAX,
      () => false,
      () => ask(name, address, env),
    );
  } catch (error) {
    throw new LocalServerError(`${setting} does not answer: ${oneLine(error)}; without it one is started here`);
  }
  return { name, address, pid: null, log: null, kind: 'own', stop: async () => {} };
}

async function warmServer(name: ServerName, { cache, env }: Context): Promise<LocalServer | undefined> {
  const warm = readWarm(cache, name);
  if (warm === undefined) return undefined;
  try {
    await untilAnswers(
      WARM_READY_MS_MAX,
      () => false,
      () => ask(name, warm.address, env),
    );
    const { address, pid, log } = warm;
    return { name, address, pid, log, kind: 'warm', stop: async () => {} };
  } catch {
    await endByPid(warm.pid, warm.folder);
    forgetWarm(cache, name);
    return undefined;
  }
}

async function newServer(name: ServerName, context: Context): Promise<LocalServer> {
  let running = await launchReady(name, context, startWatched);
  const { address } = running.prepared;
  return {
    name,
    address,
    get pid() {
      return running.process.pid;
    },
    log: running.place.log,
    kind: 'new',
    exited: () => running.process.exited,
    restart: async () => {
      running = await relaunch(running, context);
      await untilReady(name, [running], () => ask(name, address, context.env));
    },
    stop: () => endRunning(running),
  };
}

async function keptServer(name: ServerName, context: Context): Promise<LocalServer> {
  const { prepared, process, place } = await launchReady(name, context, startDetached);
  const { address } = prepared;
  const { pid } = process;
  writeWarm(context.cache, name, { address, pid, folder: place.folder, log: place.log });
  return { name, address, pid, log: place.log, kind: 'warm', stop: async () => {} };
}
