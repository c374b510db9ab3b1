// What `npm run cluster` keeps, below FANLOG_DATA; its name is one that the embedded profile does not mistake for a
// stranger's.
//
//   fanlog.cluster/supervisor.json   the cluster that runs: where its supervisor listens, and its token
//   fanlog.cluster/fanlog.secret     signs sessions, so that people stay signed in over a restart
//   fanlog.cluster/servers/          data of Kafka and Cassandra
//   fanlog.cluster/logs/             a file for every process; logs.before/ of the run before
//   fanlog.cluster/supervisor.err    what the supervisor did not catch, and died of
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../process-identity.ts';
import { REAPER_NAME } from './reaper.ts';

export type ClusterFolder = {
  readonly path: string;
  readonly record: string;
  readonly servers: string;
  readonly logs: string;
  readonly supervisorLog: string;
};

/** How to reach the supervisor of a cluster that runs. */
export type ClusterRecord = {
  readonly pid: number;
  /** On 127.0.0.1. */
  readonly controlPort: number;
  /** Whoever shows it may stop the cluster. */
  readonly token: string;
  /** The process that outlives the supervisor until its roles are gone. */
  readonly reaper: number;
};

const OWNER_ONLY = 0o600;
/** Longer than the reaper gives to roles. */
const REAPED_MS_MAX = 30_000;
const POLL_MS = 50;

/** The folders are made. */
export function openClusterFolder(env: NodeJS.ProcessEnv): ClusterFolder {
  const data = env.FANLOG_DATA?.trim() || './data';
  const home = data === '~' || data.startsWith('~/') ? join(homedir(), data.slice(1)) : resolve(data);
  const folder = clusterFolderAt(join(home, 'fanlog.cluster'));
  mkdirSync(folder.logs, { recursive: true });
  return folder;
}

export function clusterFolderAt(path: string): ClusterFolder {
  const logs = join(path, 'logs');
  return {
    path,
    record: join(path, 'supervisor.json'),
    servers: join(path, 'servers'),
    logs,
    supervisorLog: join(logs, 'supervisor.log'),
  };
}

/** Puts the logs of the last run aside, those of the one before it away. */
export function beginLogs({ logs }: ClusterFolder): void {
  rmSync(`${logs}.before`, { recursive: true, force: true });
  renameSync(logs, `${logs}.before`);
  mkdirSync(logs);
}

export function writeRecord({ record }: ClusterFolder, content: ClusterRecord): void {
  const draft = `${record}.${process.pid}`;
  rmSync(draft, { force: true }); // or it would keep its mode
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: OWNER_ONLY });
  renameSync(draft, record);
}

export function removeRecord({ record }: ClusterFolder): void {
  rmSync(record, { force: true });
}

export type FoundRecord =
  | { readonly record: ClusterRecord }
  /** Of a supervisor that is gone. Resolves when the roles that it had started are gone too. */
  | { readonly stale: () => Promise<void> }
  | { readonly none: true };

/** What is known of the cluster on this folder. */
export function readRecord({ path, record }: ClusterFolder): FoundRecord {
  let content: ClusterRecord;
  try {
    content = JSON.parse(readFileSync(record, 'utf8')) as ClusterRecord;
  } catch (error) {
    // Half of one: nothing is known, and nothing was started by then.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? { none: true } : { stale: async () => {} };
  }
  // The folder stands in the supervisor's command line: process ids are used again.
  if (isRunning(content.pid, path)) return { record: content };
  return { stale: () => untilReaped(content.reaper) };
}

// The reaper goes when the last role is gone.
async function untilReaped(pid: number): Promise<void> {
  const deadline_ms = performance.now() + REAPED_MS_MAX;
  while (isRunning(pid, REAPER_NAME) && performance.now() < deadline_ms) await sleep(POLL_MS);
}
