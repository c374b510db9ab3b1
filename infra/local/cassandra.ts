// Cassandra 5.0: one node that is a whole ring, so LOCAL_QUORUM with one copy works.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Cache } from './cache.ts';
import { freePorts, HOST } from './free-ports.ts';
import { findJava } from './java.ts';
import { javaClassPath } from './java-class-path.ts';
import { LocalServerError } from './local-server-error.ts';
import type { Prepared } from './prepared.ts';
import { calmly, compilersOf } from './short-lived.ts';

// The driver is CommonJS whose names Node cannot see in an import.
const { Client } = createRequire(import.meta.url)(
  '@scylladb/cassandra-driver',
) as typeof import('@scylladb/cassandra-driver');

export const LOCAL_DATACENTER = 'datacenter1';
const HEAP_MB = 1024;

export async function prepareCassandra(
  cache: Cache,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<Prepared> {
  const java = findJava(env);
  const classPath = await javaClassPath('cassandra', cache, env, progress);
  const [port, storagePort] = await freePorts(2);
  const configuration = join(folder, 'cassandra.yaml');
  const logging = join(folder, 'logback.xml');
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  writeFileSync(configuration, yaml(folder, port!, storagePort!));
  writeFileSync(logging, LOGBACK);
  return {
    address: `${HOST}:${port}`,
    ports: [port!, storagePort!],
    ...calmly(env, java, [
      `-Xms${HEAP_MB}m`,
      `-Xmx${HEAP_MB}m`,
      ...GARBAGE_COLLECTION,
      ...compilersOf(env),
      ...MODULES,
      `-javaagent:${jamm(classPath)}`,
      `-Dcassandra.config=${pathToFileURL(configuration)}`,
      '-Dcassandra-foreground=yes',
      `-Dcassandra.storagedir=${folder}`,
      `-Dlogback.configurationFile=${logging}`,
      // Alone, it need not wait for others to be heard of.
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      '-Dcassandra.ring_delay_ms=100',
      '-Djdk.attach.allowAttachSelf=true',
      '-Dio.netty.tryReflectionSetAccessible=true',
      '-Djava.net.preferIPv4Stack=true',
      `-Djava.io.tmpdir=${join(folder, 'tmp')}`, // native libraries unpack themselves there
      ...['-cp', classPath, 'org.apache.cassandra.service.CassandraDaemon'],
    ]),
    ready_ms_max: 120_000,
  };
}

// As in Cassandra's own jvm-server.options and jvm17-server.options, but for shorter pauses: 1 GiB needs no longer ones.
const GARBAGE_COLLECTION = [
  '-XX:+UseG1GC',
  '-XX:+ParallelRefProcEnabled',
  '-XX:MaxGCPauseMillis=20',
  '-XX:+UseThreadPriorities',
  '-XX:+PerfDisableSharedMem',
  '-XX:+ExitOnOutOfMemoryError',
  '-Xss512k',
];

const EXPORTED = [
  'java.base/java.lang.ref',
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
];
const OPENED = [
  'java.base/java.io',
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.util',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.util.jar',
  'java.base/sun.nio.ch',
  'jdk.management/com.sun.management.internal',
];
const MODULES = [
  ...EXPORTED.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
];

// Memtables measure themselves with it; without the agent every start warns, and measures wrongly.
function jamm(classPath: string): string {
  const path = classPath.split(delimiter).find((jar) => /jamm-[\d.]+\.jar$/.test(jar));
  if (path === undefined) throw new LocalServerError('cassandra: its class path has no jamm jar');
  return path;
}

// Strings are quoted as JSON, which is YAML too.
function yaml(folder: string, port: number, storagePort: number): string {
  const settings = {
    cluster_name: 'fanlog-local',
    num_tokens: 1, // one range to make and to scan instead of sixteen
    partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
    endpoint_snitch: 'SimpleSnitch',
    seed_provider: [
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: `${HOST}:${storagePort}` }],
      },
    ],
    listen_address: HOST,
    rpc_address: HOST,
    storage_port: storagePort,
    native_transport_port: port,
    start_native_transport: true,
    authenticator: 'AllowAllAuthenticator',
    authorizer: 'AllowAllAuthorizer',
    data_file_directories: [join(folder, 'data')],
    commitlog_directory: join(folder, 'commitlog'),
    saved_caches_directory: join(folder, 'saved_caches'),
    hints_directory: join(folder, 'hints'),
    cdc_raw_directory: join(folder, 'cdc_raw'),
    commitlog_sync: 'periodic',
    commitlog_sync_period: '10000ms',
    // On a machine shared with everything else a pause is no failure.
    read_request_timeout: '10000ms',
    write_request_timeout: '10000ms',
    request_timeout: '10000ms',
    // A keyspace per test file: their tables must not be kept for restore.
    auto_snapshot: false,
    concurrent_compactors: 1,
    // 32 each are for disks and cores that this machine does not have.
    concurrent_writes: 4,
    concurrent_reads: 4,
    native_transport_max_threads: 4,
    // 0.25 of the heap by default each, on and off it.
    memtable_heap_space: '192MiB',
    memtable_offheap_space: '192MiB',
    file_cache_enabled: false,
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join('\n')}\n`;
}

const LOGBACK = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{HH:mm:ss.SSS} [%thread] %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
</configuration>
`;

/** Rejects unless every address (separated by commas) answers CQL. */
export async function askCassandra(addresses: string, datacenter = LOCAL_DATACENTER): Promise<void> {
  const client = new Client({
    contactPoints: addresses.split(','),
    localDataCenter: datacenter,
    socketOptions: { connectTimeout: 2_000, readTimeout: 3_000 },
  });
  try {
    await client.connect();
    await client.execute('SELECT release_version FROM system.local');
  } finally {
    await client.shutdown();
  }
}
