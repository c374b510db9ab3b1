// One server as a child process that never outlives its purpose.
//
// Between us and the server stands a shell, the watchdog, in a session of its own (Ctrl-C and a kill of our process
// group pass it by). It holds the other end of a pipe from us, which the system closes when we die, by kill -9 too:
//
//   node ──pipe──> sh (watchdog) ──starts──> java or redis-server
//                  end of the pipe: kill -9 the server, remove its data, exit
//
// Killing hard is right where the data are thrown away. A server whose data are kept is asked first, so that its next
// start has nothing to repair. A server that is left running for later runs has no watchdog.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalServerError } from './local-server-error.ts';
import { isAlive, isRunning } from './process-identity.ts';

// $1: the run folder; $2: seconds for an end of its own, 0 if the data are thrown away; the rest: the command, whose
// output goes to our standard error. `read` waits inside the shell itself, so that there is no second process to forget;
// what is waited for is the end, as nothing is ever written.
const WATCHDOG = `
folder=$1; grace_s=$2; shift 2
exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
end() {
  trap '' TERM
  if [ "$grace_s" -gt 0 ]; then
    kill -TERM "$server" 2>/dev/null
    (sleep "$grace_s" & limit=$!; trap 'kill "$limit"; exit' USR1; wait "$limit"; kill -KILL "$server") 2>/dev/null &
    limiter=$!
    wait "$server" 2>/dev/null
    kill -USR1 "$limiter" 2>/dev/null
    rm -f -- "$folder/pid"
  else
    kill -KILL "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    rm -rf -- "$folder"
  fi
  exit 0
}
trap end TERM
echo "$server" >"$folder/pid"
echo "$server"
exec >/dev/null
(trap - TERM; while read -r _ <&3; do :; done; kill -TERM $$ || kill -KILL "$server") 2>/dev/null &
watcher=$!
wait "$server"
code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`;

const END_TIMEOUT_MS = 10_000;
/** For a server whose data are kept; Kafka and Cassandra take two or three seconds. */
const GRACE_S = 20;
const POLL_MS = 20;

export type ServerCommand = {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Exists; named in the arguments, by which the process is recognised later; removed when the server is ended. */
  readonly folder: string;
  /** The folder stays, and the server is ended by SIGTERM, by force only after 20 s. */
  readonly keepsFolder?: boolean;
  /** The server's output is added to this file. */
  readonly log: string;
};

export type ServerProcess = {
  readonly pid: number;
  /** Whether it ended, by itself or by force. */
  readonly hasExited: () => boolean;
  /** Resolves when it ended, by itself or by force. Does not keep this process alive. */
  readonly exited: Promise<void>;
  /** Ends the server, removes its folder unless that is kept, resolves when both are done. */
  readonly end: () => Promise<void>;
};

/** Starts a server that ends with this process, however this process ends. Does not keep this process alive. */
export async function startWatched(command: ServerCommand): Promise<ServerProcess> {
  const { executable, args, folder, keepsFolder = false } = command;
  const grace_s = keepsFolder ? GRACE_S : 0;
  const log = openSync(command.log, 'a');
  const child = spawn('/bin/sh', ['-c', WATCHDOG, 'fanlog-watchdog', folder, String(grace_s), executable, ...args], {
    stdio: ['pipe', 'pipe', log],
    env: command.env ?? process.env,
    detached: true,
  });
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin!.on('error', () => {}); // the watchdog went first
  const pid = await firstLine(child);
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const end = async () => {
    child.ref();
    child.stdin!.end();
    const limit_ms = grace_s * 1_000 + END_TIMEOUT_MS;
    const ended = await Promise.race([exited.then(() => true), sleep(limit_ms, false, { ref: false })]);
    if (!ended) killGroup(child.pid!);
    await waitUntilGone(pid);
    if (!keepsFolder) await removeFolder(folder);
  };
  return { pid, hasExited, exited, end };
}

/** Starts a server that stays when this process ends. */
export async function startDetached(command: ServerCommand): Promise<ServerProcess> {
  const log = openSync(command.log, 'a');
  const child = spawn(command.executable, command.args, {
    stdio: ['ignore', log, log],
    env: command.env ?? process.env,
    detached: true,
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.unref();
  const pid = child.pid!;
  writeFileSync(join(command.folder, 'pid'), String(pid));
  const hasExited = () => !isAlive(pid) || child.exitCode !== null;
  return { pid, hasExited, exited, end: () => endByPid(pid, command.folder) };
}

/** Ends a process that an earlier run started: only if it is still the one that works in this folder. */
export async function endByPid(pid: number, folder: string, keepFolder?: 'keep the folder'): Promise<void> {
  if (isRunning(pid, folder)) {
    process.kill(pid, 'SIGKILL');
    await waitUntilGone(pid);
  }
  if (keepFolder === undefined) await removeFolder(folder);
}

// The watchdog's first line is the server's process id.
async function firstLine(child: ChildProcess): Promise<number> {
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) return Number(String(chunk).trim());
  throw new Error('the watchdog ended before it started anything; is there a /bin/sh?');
}

async function waitUntilGone(pid: number): Promise<void> {
  for (const deadline_ms = Date.now() + END_TIMEOUT_MS; isAlive(pid); ) {
    if (Date.now() > deadline_ms) throw new LocalServerError(`process ${pid} does not end, even by kill -9`);
    await sleep(POLL_MS);
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // gone in the meantime
  }
}
