// Starts a new server and waits until it answers; says why when it does not.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cache, ServerName } from './cache.ts';
import { askCassandra, prepareCassandra } from './cassandra.ts';
import { askKafka, type KafkaNode, prepareKafka } from './kafka.ts';
import { LocalServerError } from './local-server-error.ts';
import { tailOf } from './log-tail.ts';
import type { Prepared } from './prepared.ts';
import { isRunning } from './process-identity.ts';
import { askRedis, prepareRedis } from './redis.ts';
import { endByPid, type ServerProcess, type startDetached, startWatched } from './server-process.ts';

export type Context = {
  readonly env: NodeJS.ProcessEnv;
  readonly progress: (line: string) => void;
  readonly cache: Cache;
  /** As in ServerOptions. */
  readonly dataFolder?: string | undefined;
  readonly logFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Where one server works. */
type Place = {
  readonly folder: string;
  readonly log: string;
  readonly keepsFolder: boolean;
  readonly keepsLog: boolean;
};

export type Running = { readonly prepared: Prepared; readonly process: ServerProcess; readonly place: Place };

type Start = typeof startWatched | typeof startDetached;

const POLL_MS = 100;
/** The server of an owner that was killed just now is still going down: 20 s at most (server-process.ts). */
const PREDECESSOR_MS_MAX = 25_000;

/** A new server that answers. Rejects with a LocalServerError; then it is not running. */
export async function launchReady(name: ServerName, context: Context, start: Start): Promise<Running> {
  const started_ms = performance.now();
  const running = await launch(name, context, start);
  const { address } = running.prepared;
  try {
    await untilReady(name, [running], () => ask(name, address, context.env), context.signal);
  } catch (error) {
    await endRunning(running, 'keep the log');
    throw error;
  }
  context.progress(`${name}: ready on ${address} after ${((performance.now() - started_ms) / 1000).toFixed(1)} s`);
  return running;
}

/** A new server that may not answer yet. Rejects with a LocalServerError. */
export async function launch(
  name: ServerName,
  context: Context,
  start: Start,
  { nodes, node }: { nodes?: readonly KafkaNode[]; node?: KafkaNode } = {},
): Promise<Running> {
  const { cache, env, progress } = context;
  const place = await placeOf(name, context);
  const { folder } = place;
  try {
    const prepared = await {
      kafka: () => prepareKafka(cache, folder, env, progress, nodes, node),
      cassandra: () => prepareCassandra(cache, folder, env, progress),
      redis: () => prepareRedis(cache, folder, env, progress),
    }[name]();
    return { prepared, place, process: await start(commandOf(prepared, place, env)) };
  } catch (error) {
    if (!place.keepsFolder) rmSync(folder, { recursive: true, force: true });
    if (error instanceof LocalServerError) throw error;
    throw new LocalServerError(`${name} does not start: ${oneLine(error)}`, { cause: error });
  }
}

/** The same server once more, on its data and ports, after it ended without us. It may not answer yet. */
export async function relaunch({ prepared, process, place }: Running, { env }: Context): Promise<Running> {
  if (!process.hasExited()) throw new Error('it is still running: kill it first');
  return { prepared, place, process: await startWatched(commandOf(prepared, place, env)) };
}

export async function endRunning({ process, place }: Running, keepLog?: 'keep the log'): Promise<void> {
  // The log of one that died by itself is what its user wants to read.
  const died = process.hasExited();
  await process.end();
  if (!died && keepLog === undefined && !place.keepsLog) rmSync(place.log, { force: true });
}

function commandOf({ executable, args }: Prepared, place: Place, env: NodeJS.ProcessEnv) {
  const { folder, log, keepsFolder } = place;
  return { executable, args, env, folder, log, keepsFolder };
}

async function placeOf(name: ServerName, { cache, dataFolder, logFolder }: Context): Promise<Place> {
  const folder = dataFolder === undefined ? mkdtempSync(join(cache.run, `${name}-`)) : join(dataFolder, name);
  if (dataFolder !== undefined) await takeOver(folder);
  const log = logFolder === undefined ? join(cache.logs, `${basename(folder)}.log`) : join(logFolder, `${name}.log`);
  mkdirSync(join(log, '..'), { recursive: true });
  return { folder, log, keepsFolder: dataFolder !== undefined, keepsLog: logFolder !== undefined };
}

// Two servers on the same data would destroy them.
async function takeOver(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  const deadline_ms = performance.now() + PREDECESSOR_MS_MAX;
  while (isRunning(pid, folder) && performance.now() < deadline_ms) await sleep(POLL_MS);
  await endByPid(pid, folder, 'keep the folder');
  rmSync(file, { force: true });
}

/** Rejects unless the server answers its own protocol. */
export function ask(name: ServerName, address: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (name === 'kafka') return askKafka(address);
  if (name === 'redis') return askRedis(address);
  return askCassandra(address, env.FANLOG_CASSANDRA?.trim() ? env.FANLOG_CASSANDRA_DC?.trim() || undefined : undefined);
}

/** Resolves when `probe` does; rejects with a LocalServerError when one of `servers` ended, or it took too long. */
export async function untilReady(
  name: string,
  servers: Running[],
  probe: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const { ready_ms_max } = servers[0]!.prepared;
  const address = servers.map(({ prepared }) => prepared.address).join(',');
  const dead = () => servers.find(({ process }) => process.hasExited());
  try {
    await untilAnswers(ready_ms_max, () => dead() !== undefined || signal?.aborted === true, probe);
  } catch (error) {
    if (signal?.aborted) throw new LocalServerError(`${name}: its start was broken off`);
    const why = dead() === undefined ? `no answer on ${address} for ${ready_ms_max / 1000} s` : 'it ended by itself';
    const { log } = (dead() ?? servers[0]!).place;
    const tail = tailOf(log);
    const more = tail === '' ? 'its log is empty' : `the end of its log:\n${tail}`;
    throw new LocalServerError(`${name} does not start: ${why} (${oneLine(error)}); log ${log}; ${more}`);
  }
}

/** Repeats `probe` until it resolves; rejects with its last error when time is up or `isHopeless`. */
export async function untilAnswers(
  limit_ms: number,
  isHopeless: () => boolean,
  probe: () => Promise<void>,
): Promise<void> {
  for (const deadline_ms = performance.now() + limit_ms; ; await sleep(POLL_MS)) {
    try {
      return await probe();
    } catch (error) {
      if (isHopeless() || performance.now() > deadline_ms) throw error;
    }
  }
}

export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || (error as NodeJS.ErrnoException).code || error.name : error;
  return String(text).replaceAll('\n', ' ');
}
