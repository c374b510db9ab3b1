// Kafka, Cassandra and Redis on this machine, for tests and for trying out: started on free ports of 127.0.0.1, with
// empty data, and ended with the process that started them, however it ends.
//
// A server is, in this order: one of your own (FANLOG_KAFKA, FANLOG_CASSANDRA, FANLOG_REDIS), which must answer; one
// that an earlier run left running (FANLOG_KEEP_SERVERS=1, `npm run servers`), if it answers; or a new one.
import { closeSync, fstatSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cache, openCache, SERVER_NAMES, type ServerName } from './cache.ts';
import { askCassandra, prepareCassandra } from './cassandra.ts';
import { javaClassPath, unpackedJars } from './java-class-path.ts';
import { askKafka, chooseKafkaNodes, type KafkaNode, prepareKafka } from './kafka.ts';
import { LocalServerError } from './local-server-error.ts';
import { withLock } from './lock.ts';
import type { Prepared } from './prepared.ts';
import { askRedis, prepareRedis } from './redis.ts';
import { endByPid, type ServerProcess, startDetached, startWatched } from './server-process.ts';
import { forgetWarm, readWarm, writeWarm } from './warm-servers.ts';

export { SERVER_NAMES, type ServerName } from './cache.ts';
export { LocalServerError } from './local-server-error.ts';

export type ServerOptions = {
  /** Where FANLOG_* , PATH and JAVA_HOME are read; process.env by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told, a line each, what takes its time; by default nobody is. */
  readonly progress?: (line: string) => void;
  /** Leave new servers running when this process ends; by default if FANLOG_KEEP_SERVERS is 1. */
  readonly keep?: boolean;
};

export type LocalServer = {
  readonly name: ServerName;
  /** host:port; of one's own servers what the environment says, which may be several, separated by commas. */
  readonly address: string;
  /** Of a server that this machine's launcher started, now or in an earlier run; null of one's own. */
  readonly pid: number | null;
  /** own: named by the environment; warm: it stays; new: it ends with this process. */
  readonly kind: 'own' | 'warm' | 'new';
  /** Ends a new server and removes its data; leaves the others alone. */
  readonly stop: () => Promise<void>;
};

export type LocalServers = {
  readonly kafka: string;
  readonly cassandra: string;
  readonly redis: string;
  /** Of the servers that are not one's own. */
  readonly pids: readonly number[];
  readonly stop: () => Promise<void>;
};

type Context = {
  readonly env: NodeJS.ProcessEnv;
  readonly progress: (line: string) => void;
  readonly cache: Cache;
};
type Running = { readonly prepared: Prepared; readonly process: ServerProcess; readonly folder: string; log: string };

const OWN_READY_MS_MAX = 5_000;
const WARM_READY_MS_MAX = 5_000;
const POLL_MS = 100;
const LOG_LINES_SHOWN = 20;
const LOG_BYTES_READ = 16_384;

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
  return { kafka: kafka!, cassandra: cassandra!, redis: redis!, pids, stop };
}

/** One of them, ready. Rejects with a LocalServerError; then it is not running. */
export async function startServer(name: ServerName, options: ServerOptions = {}): Promise<LocalServer> {
  const { env = process.env, progress = () => {} } = options;
  const own = env[`FANLOG_${name.toUpperCase()}`]?.trim();
  if (own !== undefined && own !== '') return ownServer(name, own, env);
  const context = { env, progress, cache: openCache(env) };
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

export type KafkaCluster = {
  /** host:port of every node, separated by commas. */
  readonly kafka: string;
  /** By node id - 1. A node that was killed from outside can be started again on its data and ports. */
  readonly nodes: readonly { readonly id: number; readonly address: string; pid(): number; restart(): Promise<void> }[];
  readonly stop: () => Promise<void>;
};

/** New brokers that know each other, for tests of their failing. Never warm, never one's own. */
export async function startKafkaCluster(count: number, options: ServerOptions = {}): Promise<KafkaCluster> {
  const { env = process.env, progress = () => {} } = options;
  const context = { env, progress, cache: openCache(env) };
  const nodes = await chooseKafkaNodes(count);
  const running: Running[] = [];
  const stop = async () => {
    await Promise.all(running.map((node) => endRunning(node)));
  };
  try {
    // One after the other: the first download and two cores want it so. None answers before most of them are up.
    for (const node of nodes) running.push(await launch('kafka', context, startWatched, { nodes, node }));
    const kafka = running.map(({ prepared }) => prepared.address).join(',');
    await untilReady(`kafka (${count} brokers)`, kafka, running, () => askKafka(kafka));
    return {
      kafka,
      nodes: running.map((_, index) => ({
        id: nodes[index]!.id,
        address: running[index]!.prepared.address,
        pid: () => running[index]!.process.pid,
        restart: async () => {
          const { prepared, process: killed, folder, log } = running[index]!;
          if (!killed.hasExited()) throw new Error('it is still running: kill it first');
          const { executable, args } = prepared;
          const again = { prepared, folder, log, process: await startWatched({ executable, args, env, folder, log }) };
          running[index] = again;
          await untilReady('kafka', prepared.address, [again], () => askKafka(prepared.address));
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
  const setting = `FANLOG_${name.toUpperCase()}=${address}`;
  try {
    await untilAnswers(
      OWN_READY_MS_MAX,
      () => false,
      () => ask(name, address, env),
    );
  } catch (error) {
    throw new LocalServerError(`${setting} does not answer: ${oneLine(error)}; without it one is started here`);
  }
  return { name, address, pid: null, kind: 'own', stop: async () => {} };
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
    return { name, address: warm.address, pid: warm.pid, kind: 'warm', stop: async () => {} };
  } catch {
    await endByPid(warm.pid, warm.folder);
    forgetWarm(cache, name);
    return undefined;
  }
}

async function newServer(name: ServerName, context: Context): Promise<LocalServer> {
  const running = await launchReady(name, context, startWatched);
  const { prepared, process } = running;
  return { name, address: prepared.address, pid: process.pid, kind: 'new', stop: () => endRunning(running) };
}

async function keptServer(name: ServerName, context: Context): Promise<LocalServer> {
  const { prepared, process, folder, log } = await launchReady(name, context, startDetached);
  writeWarm(context.cache, name, { address: prepared.address, pid: process.pid, folder, log });
  return { name, address: prepared.address, pid: process.pid, kind: 'warm', stop: async () => {} };
}

type Start = typeof startWatched;

async function launchReady(name: ServerName, context: Context, start: Start): Promise<Running> {
  const started_ms = performance.now();
  const running = await launch(name, context, start);
  try {
    const { address } = running.prepared;
    await untilReady(name, address, [running], () => ask(name, address, context.env));
  } catch (error) {
    await endRunning(running, 'keep the log');
    throw error;
  }
  context.progress(
    `${name}: ready on ${running.prepared.address} after ${((performance.now() - started_ms) / 1000).toFixed(1)} s`,
  );
  return running;
}

async function launch(
  name: ServerName,
  { cache, env, progress }: Context,
  start: Start,
  { nodes, node }: { nodes?: readonly KafkaNode[]; node?: KafkaNode } = {},
): Promise<Running> {
  const folder = mkdtempSync(join(cache.run, `${name}-`));
  const log = join(cache.logs, `${basename(folder)}.log`);
  try {
    const prepared = await {
      kafka: () => prepareKafka(cache, folder, env, progress, nodes, node),
      cassandra: () => prepareCassandra(cache, folder, env, progress),
      redis: () => prepareRedis(cache, folder, env, progress),
    }[name]();
    mkdirSync(cache.logs, { recursive: true });
    const { executable, args } = prepared;
    return { prepared, folder, log, process: await start({ executable, args, env, folder, log }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (error instanceof LocalServerError) throw error;
    throw new LocalServerError(`${name} does not start: ${oneLine(error)}`, { cause: error });
  }
}

async function endRunning({ process, log }: Running, keepLog?: 'keep the log'): Promise<void> {
  // The log of one that died by itself is what its user wants to read.
  const died = process.hasExited();
  await process.end();
  if (!died && keepLog === undefined) rmSync(log, { force: true });
}

function ask(name: ServerName, address: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (name === 'kafka') return askKafka(address);
  if (name === 'redis') return askRedis(address);
  return askCassandra(address, env.FANLOG_CASSANDRA?.trim() ? env.FANLOG_CASSANDRA_DC?.trim() || undefined : undefined);
}

async function untilReady(name: string, address: string, servers: Running[], probe: () => Promise<void>) {
  const { ready_ms_max } = servers[0]!.prepared;
  const dead = () => servers.find(({ process }) => process.hasExited());
  try {
    await untilAnswers(ready_ms_max, () => dead() !== undefined, probe);
  } catch (error) {
    const why = dead() === undefined ? `no answer on ${address} for ${ready_ms_max / 1000} s` : 'it ended by itself';
    const { log } = dead() ?? servers[0]!;
    const tail = tailOf(log);
    const more = tail === '' ? 'its log is empty' : `the end of its log:\n${tail}`;
    throw new LocalServerError(`${name} does not start: ${why} (${oneLine(error)}); log ${log}; ${more}`);
  }
}

/** Repeats `probe` until it resolves; rejects with its last error when time is up or `isHopeless`. */
async function untilAnswers(limit_ms: number, isHopeless: () => boolean, probe: () => Promise<void>): Promise<void> {
  for (const deadline_ms = performance.now() + limit_ms; ; await sleep(POLL_MS)) {
    try {
      return await probe();
    } catch (error) {
      if (isHopeless() || performance.now() > deadline_ms) throw error;
    }
  }
}

function tailOf(log: string): string {
  try {
    const file = openSync(log, 'r');
    const bytes = Buffer.alloc(LOG_BYTES_READ);
    const length = readSync(file, bytes, 0, LOG_BYTES_READ, Math.max(0, fstatSync(file).size - LOG_BYTES_READ));
    closeSync(file);
    const lines = bytes.toString('utf8', 0, length).trimEnd().split('\n');
    return lines.slice(-LOG_LINES_SHOWN).join('\n');
  } catch {
    return '';
  }
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code || error.name : error;
  return String(text).replaceAll('\n', ' ');
}
