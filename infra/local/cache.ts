// Where everything lies, below FANLOG_CACHE:
//
//   maven/                      what Maven downloads (its local repository)
//   servers/jars-<server>-<hash of pom.xml>   the class path, or the unpacked redis-server: made once, then only read
//   servers/run/<server>-<id>/  data and configuration of one running server; removed when it ends
//   servers/logs/<server>-<id>.log            what it wrote; removed if it was stopped in good health
//   servers/warm-<server>.json  a server that was left running for the next run
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isRunning } from './process-identity.ts';

export type ServerName = 'kafka' | 'cassandra' | 'redis';
export const SERVER_NAMES: readonly ServerName[] = ['kafka', 'cassandra', 'redis'];

export type Cache = { readonly maven: string; readonly servers: string; readonly run: string; readonly logs: string };

// Logs of servers whose parent was killed stay for whoever looks for the reason; so many of them.
const LOGS_MAX = 30;
// A run folder younger than this may belong to a server that is being started, whose process id is not written yet.
const RUN_AGE_MIN_MS = 10 * 60_000;

/** The folders, made if they are missing; leftovers of killed runs are removed. */
export function openCache(env: NodeJS.ProcessEnv): Cache {
  const folder = cacheFolder(env);
  const servers = join(folder, 'servers');
  const cache = { maven: join(folder, 'maven'), servers, run: join(servers, 'run'), logs: join(servers, 'logs') };
  for (const path of Object.values(cache)) mkdirSync(path, { recursive: true });
  sweepRuns(cache.run);
  sweepLogs(cache.logs);
  return cache;
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  const text = env.FANLOG_CACHE?.trim() || '~/.cache/fanlog';
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : resolve(text);
}

function sweepRuns(run: string): void {
  for (const name of readdirSync(run)) {
    const folder = join(run, name);
    const age_ms = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age_ms < RUN_AGE_MIN_MS || isRunning(readPid(folder), folder)) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

function readPid(folder: string): number {
  try {
    return Number(readFileSync(join(folder, 'pid'), 'utf8'));
  } catch {
    return 0;
  }
}

function sweepLogs(logs: string): void {
  const files = readdirSync(logs).map((name) => {
    const path = join(logs, name);
    return { path, changedAt_ms: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
  });
  files.sort((a, b) => b.changedAt_ms - a.changedAt_ms);
  for (const { path } of files.slice(LOGS_MAX)) rmSync(path, { force: true });
}
