// A network or mount namespace that nobody has to clean up: it has no name, and lives as long as the process that holds
// it (and those that entered it). The holder waits at the end of a pipe from us, which the system closes when we die, by
// kill -9 too; with the namespace go its interfaces, both ends of its cables, and its mounts.
//
//   node ──pipe──> sh (holder, in the namespace)  <── nsenter ── whatever is to run there
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export type NamespaceKind = 'net' | 'mount';

export interface Namespace {
  /** The holder's. */
  readonly pid: number;
  /** Stands before a command that is to run in it; the command keeps the process id. */
  readonly enter: readonly string[];
  /** Runs a command in it. @throws NamespaceError when it fails */
  run(...command: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** This machine, or this user, cannot have what was asked for. */
export class NotOnThisMachineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotOnThisMachineError';
  }
}

/** A command of the system failed. */
export class NamespaceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NamespaceError';
  }
}

const PROGRAMS: Readonly<Record<NamespaceKind, readonly string[]>> = {
  net: ['unshare', 'nsenter', 'ip'],
  mount: ['unshare', 'nsenter', 'mount'],
};
// The programs that administer a system are not in everybody's PATH.
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const HOLDER = 'echo ready; read -r _; "$@"';
const COMMAND_MS_MAX = 10_000;

/** What this machine lacks, as one sentence; null: nothing. */
export function missingFor(kind: NamespaceKind): string | null {
  if (process.platform !== 'linux') return 'network and mount namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network and mount namespaces need root';
  const missing = PROGRAMS[kind].filter((program) => pathOf(program) === null);
  return missing.length === 0 ? null : `missing: ${missing.join(', ')} (packages util-linux, iproute2)`;
}

/** @param atEnd a command that the holder runs as its last. @throws NotOnThisMachineError */
export async function openNamespace(kind: NamespaceKind, atEnd: readonly string[] = []): Promise<Namespace> {
  const missing = missingFor(kind);
  if (missing !== null) throw new NotOnThisMachineError(missing);
  const child = spawn(pathOf('unshare')!, [`--${kind}`, '--', '/bin/sh', '-c', HOLDER, 'fanlog-namespace', ...atEnd], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // Ctrl-C is for us
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin!.on('error', () => {}); // the holder went first
  await untilReady(child);
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref();
  const pid = child.pid!;
  const enter = [pathOf('nsenter')!, `--${kind}=/proc/${pid}/ns/${kind === 'net' ? 'net' : 'mnt'}`, '--'];
  return {
    pid,
    enter,
    run: (...command) => runCommand([...enter, ...command]),
    close: async () => {
      child.ref();
      child.stdin!.end();
      await exited;
    },
  };
}

/** @throws NamespaceError with what the command said */
export async function runCommand([program, ...args]: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(pathOf(program!) ?? program!, args, { timeout: COMMAND_MS_MAX });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new NamespaceError(`${[program, ...args].join(' ')}: ${(stderr || message).trim()}`, { cause: error });
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    said += String(chunk);
  });
  for await (const _ of child.stdout!.iterator({ destroyOnReturn: false })) return;
  // Root inside a container is not always allowed to.
  throw new NotOnThisMachineError(`a namespace could not be made: ${said.trim() || 'unshare gave no reason'}`);
}

function pathOf(program: string): string | null {
  if (program.includes('/')) return program;
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  return folders.map((folder) => join(folder, program)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
