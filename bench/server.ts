// The server under load: a child process with a data folder of its own on a real disk, ended by its pid, its data deleted.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesystemOf, isInMemory } from './conditions.ts';
import type { Target } from './scenarios/scenario.ts';

export type Profile = 'embedded';

/** No sender of a scenario comes near it. */
export const FRAMES_PER_SECOND = 1_000_000;
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;

export interface ServerUnderLoad {
  readonly target: Target;
  readonly profile: Profile;
  /** What `accepted` stands for. */
  readonly durability: string;
  readonly filesystem: string;
  stop(): Promise<void>;
}

/** `nodeArguments`: of the server, for profiling it. */
export async function startServer(profile: Profile, nodeArguments: readonly string[] = []): Promise<ServerUnderLoad> {
  const root = projectFolder();
  const parent = join(root, 'data');
  mkdirSync(parent, { recursive: true });
  const filesystem = filesystemOf(parent);
  if (isInMemory(filesystem))
    throw new Error(`data/ stands on ${filesystem}, which is no disk: nothing would be flushed`);
  const folder = mkdtempSync(join(parent, 'bench-'));
  const appKey = randomBytes(48).toString('base64');
  const child = spawn(process.execPath, [...startArguments(root), ...nodeArguments, join(root, 'dist/main.js')], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...withoutSettings(process.env),
      PORT: '0',
      FANLOG_EDGE_PORT: '0',
      FANLOG_DATA: folder,
      FANLOG_APP_KEY: appKey,
      FANLOG_DEMO: 'off',
      FANLOG_FRAMES_PER_SECOND: String(FRAMES_PER_SECOND),
      FANLOG_LOG_LEVEL: 'warn',
    },
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const apiUrl = `http://127.0.0.1:${await apiPortOf(child)}`;
    const edgeUrl = await edgeUrlOf(apiUrl);
    return {
      target: { apiUrl, edgeUrl, appKey, pids: [child.pid!] },
      profile,
      durability: 'accepted after fdatasync of the log (lmdb, one flush a group of appends); rows derived from it',
      filesystem,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Sources run from bench/, the bundle from dist/bench/. */
function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** What `npm start` gives to Node: a server is measured as it is run. */
function startArguments(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((part) => part.startsWith('--'));
}

/** The server's settings are the bench's own, whatever stands in this environment. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('FANLOG_')));
}

/** From the start screen, which comes when it is ready. */
function apiPortOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('the server was not ready in time')), START_MS_MAX);
    const read = (bytes: Buffer) => {
      text += bytes;
      const port = /http:\/\/localhost:(\d+)/.exec(text)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      child.stdout!.off('data', read).resume(); // what else it prints is nobody's business, but must not block it
      resolve(Number(port));
    };
    child.stdout!.on('data', read);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the server ended with ${code}`));
    });
  });
}

async function edgeUrlOf(apiUrl: string): Promise<string> {
  const response = await fetch(`${apiUrl}/v1/edges`);
  const { data } = (await response.json()) as { data: { edges: string[] } };
  return data.edges[0]!;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}
