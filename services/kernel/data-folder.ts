// The data folder: one process, one format. Everything the embedded profile keeps stands in it.
//
//   fanlog.format      marker: this folder is ours, and which layout it has
//   fanlog.lock.<n>    who owns it; only the highest n counts
//   log/  state/       what the adapters keep there
//
// Node has no flock, so ownership is a sequence of numbered files. Whoever finds the owner of file n dead (or gone in
// good order) creates n + 1 by link(2), which exactly one of any number of racing starters can do, and then looks once
// more: if a higher file exists by now, it lost. The highest number never falls (a clean end rewrites its file instead
// of deleting it), so a starter that was asleep between looking and linking cannot slip in below a newer owner. An owner
// is alive if a process of that id runs that was started at that very moment: a kill -9 frees the folder at once.
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

export const DATA_FORMAT = 1;

const MARKER = 'fanlog.format';
const LOCK_PREFIX = 'fanlog.lock.';
/** Names that do not make a folder somebody else's: ours while being made, and what file systems put there. */
const HARMLESS = /^(fanlog\.|lost\+found$|\.gitkeep$|\.DS_Store$)/;
/** Starters that keep losing races against short-lived owners give up after this many rounds. */
const LOCK_ROUNDS_MAX = 20;

export type DataFolderErrorCode = 'unusable' | 'foreign' | 'newer_format' | 'in_use';

/** The data folder cannot be used; the message says what, why, and what to do. */
export class DataFolderError extends Error {
  readonly code: DataFolderErrorCode;
  constructor(code: DataFolderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DataFolderError';
    this.code = code;
  }
}

export interface DataFolder {
  readonly path: string;
  /** Gives the folder free. Call it last, after everything in it was closed. */
  close(): void;
}

/** Opens the folder, making it if need be, and takes ownership of it. @throws DataFolderError */
export function openDataFolder(path: string): DataFolder {
  try {
    createFolder(path);
    checkFormat(path);
    const number = takeOwnership(path);
    let open = true;
    return {
      path,
      close() {
        if (open) replaceFile(path, LOCK_PREFIX + number, JSON.stringify({ released: true }));
        open = false;
      },
    };
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataFolderError(
      'unusable',
      `The data folder ${path} cannot be used: ${reason}. Give the process a folder that it may create and write (FANLOG_DATA).`,
      { cause: error },
    );
  }
}

// One level at a time: `recursive` goes round for ever where a folder exists and takes no others, as /proc (Node 20).
function createFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder) && folder !== dirname(folder); folder = dirname(folder)) {
    missing.push(folder);
  }
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue; // another process was faster, or it is no folder: the next step says so
      throw new Error(`no folder can be made in ${dirname(folder)} (${code})`, { cause: error });
    }
  }
}

function checkFormat(path: string): void {
  const names = readdirSync(path);
  if (!names.includes(MARKER)) {
    const stranger = names.find((name) => !HARMLESS.test(name));
    if (stranger !== undefined) {
      throw new DataFolderError(
        'foreign',
        `The data folder ${path} holds other files (${stranger}) and no ${MARKER}, so it is not one of ours. Name an empty or new folder (FANLOG_DATA).`,
      );
    }
    replaceFile(path, MARKER, `${JSON.stringify({ format: DATA_FORMAT })}\n`);
    return;
  }
  const format = formatOf(readFileSync(join(path, MARKER), 'utf8'));
  if (format === null) {
    throw new DataFolderError(
      'foreign',
      `The file ${MARKER} in the data folder ${path} is not one that we wrote. Restore it from a copy, or name another folder (FANLOG_DATA).`,
    );
  }
  if (format > DATA_FORMAT) {
    throw new DataFolderError(
      'newer_format',
      `The data folder ${path} has format ${format}; this version reads up to ${DATA_FORMAT}. Start the version that wrote it, or a newer one.`,
    );
  }
}

function formatOf(text: string): number | null {
  try {
    const { format } = JSON.parse(text) as { format?: unknown };
    return typeof format === 'number' && Number.isInteger(format) && format >= 1 ? format : null;
  } catch {
    return null;
  }
}

function takeOwnership(path: string): number {
  for (let round = 0; round < LOCK_ROUNDS_MAX; round++) {
    const highest = highestLock(path);
    if (highest > 0) refuseIfAlive(path, highest);
    const mine = highest + 1;
    if (!createExclusively(path, LOCK_PREFIX + mine, JSON.stringify(thisProcess()))) continue;
    if (highestLock(path) !== mine) {
      rmSync(join(path, LOCK_PREFIX + mine), { force: true });
      continue;
    }
    for (const number of lockNumbers(path)) {
      if (number < mine) rmSync(join(path, LOCK_PREFIX + number), { force: true });
    }
    return mine;
  }
  throw new DataFolderError('in_use', `The data folder ${path} changes hands all the time. Start one process only.`);
}

function lockNumbers(path: string): number[] {
  const locks = readdirSync(path).filter((name) => name.startsWith(LOCK_PREFIX));
  return locks.map((name) => Number(name.slice(LOCK_PREFIX.length))).filter(Number.isSafeInteger);
}

function highestLock(path: string): number {
  return Math.max(0, ...lockNumbers(path));
}

/** `started` and `boot` are null where the system does not tell them. */
interface Owner {
  readonly pid: number;
  readonly started: string | null;
  readonly boot: string | null;
  readonly host: string;
}

function thisProcess(): Owner {
  return { pid: process.pid, started: startOf(process.pid), boot: bootId(), host: hostname() };
}

function refuseIfAlive(path: string, number: number): void {
  const file = join(path, LOCK_PREFIX + number);
  const text = readIfThere(file);
  if (text === null) return; // A newer owner swept it away; the next look finds that one.
  let owner: Owner | { released: true };
  try {
    owner = JSON.parse(text) as Owner | { released: true };
  } catch (error) {
    throw new DataFolderError(
      'in_use',
      `The file ${file} does not say who uses the data folder. If no process does, delete that file and start again.`,
      { cause: error },
    );
  }
  if ('released' in owner) return;
  if (owner.host !== hostname()) {
    throw new DataFolderError(
      'in_use',
      `The data folder ${path} belongs to process ${owner.pid} on ${owner.host}, which cannot be checked from here. Stop that process; if it is gone, delete ${file} and start again.`,
    );
  }
  if (!isAlive(owner)) return;
  throw new DataFolderError(
    'in_use',
    `The data folder ${path} is in use by process ${owner.pid}. Stop that process, or name another folder (FANLOG_DATA).`,
  );
}

function isAlive(owner: Owner): boolean {
  const boot = bootId();
  if (owner.boot !== null && boot !== null && owner.boot !== boot) return false;
  if (owner.started !== null && boot !== null) return startOf(owner.pid) === owner.started;
  // Without /proc a reused process id looks alive: that refuses a start, which is the safe side.
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When the process was started, in ticks since boot; null if there is no such process (or no /proc). */
function startOf(pid: number): string | null {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the program's name in brackets and may hold anything; the start is the 22nd, the state the 3rd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
}

function bootId(): string | null {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? null;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** false when the file exists. The file appears with its content or not at all. */
function createExclusively(path: string, name: string, content: string): boolean {
  return withDraft(path, content, (draft) => {
    try {
      linkSync(draft, join(path, name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      // Some network file systems report a failure for a link that was made.
      if (statSync(draft).nlink === 2) return true;
      throw error;
    }
  });
}

function replaceFile(path: string, name: string, content: string): void {
  withDraft(path, content, (draft) => renameSync(draft, join(path, name)));
}

function withDraft<T>(path: string, content: string, use: (draft: string) => T): T {
  const folder = mkdtempSync(join(path, 'fanlog.draft.'));
  try {
    const draft = join(folder, 'draft');
    writeFileSync(draft, content, { flush: true } as object);
    return use(draft);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
