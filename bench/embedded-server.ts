// The embedded profile under load: one process, as `npm start` runs it.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../infra/local/project-folder.ts';
import type { ServerSettings, ServerUnderLoad } from './server.ts';
import {
  INSPECTOR_ARGUMENT,
  inspectorUrlIn,
  makeDataFolder,
  notableLines,
  serverEnvironment,
  startArguments,
} from './server-start.ts';

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;

/** @throws Error when it does not start. */
export async function startEmbeddedServer({ nodeArguments, inspected }: ServerSettings): Promise<ServerUnderLoad> {
  const root = projectFolder();
  const { path, filesystem } = makeDataFolder();
  const appKey = randomBytes(48).toString('base64');
  const inspector = inspected ? [INSPECTOR_ARGUMENT] : [];
  const program = [...startArguments(), ...inspector, ...nodeArguments, join(root, 'dist/main.js')];
  const child = spawn(process.execPath, program, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...serverEnvironment(appKey),
      PORT: '0',
      FANLOG_EDGE_PORT: '0',
      FANLOG_OPERATIONS_PORT: '0',
      FANLOG_DATA: path,
    },
  });
  const inspectorUrl = inspectorUrlOf(child);
  const stop = async () => {
    await end(child);
    rmSync(path, { recursive: true, force: true });
  };
  try {
    const apiUrl = `http://127.0.0.1:${await apiPortOf(child)}`;
    const edgeUrls = [await edgeUrlOf(apiUrl)];
    const process = { name: 'fanlog', pid: child.pid!, isEdge: true, inspectorUrl: inspectorUrl() };
    return {
      target: { apiUrl, edgeUrls, appKey, processes: [process] },
      processes: 'one process',
      durability: 'accepted after fdatasync of the log (lmdb, one flush a group of appends); rows derived from it',
      filesystem,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Passes on what the server has to say, and keeps what its inspector says. */
function inspectorUrlOf(child: ChildProcess): () => string | null {
  let url: string | null = null;
  child.stderr!.on('data', (bytes: Buffer) => {
    const text = bytes.toString('utf8');
    url ??= inspectorUrlIn(text);
    for (const line of notableLines(text)) process.stderr.write(`${line}\n`);
  });
  return () => url;
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
