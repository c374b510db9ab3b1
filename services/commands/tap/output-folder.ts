// The folder of an export. What is in it under its name is whole, and never changes or goes away again.
//
//   events-000001.parquet  events-000002.parquet  …
//   .tap/   state.json     where the export is, written with each file
//           events-000007.parquet   the file that is being written
//           fanlog.*       who writes here: one tap at a time (kernel/data-folder.ts)
//
// A file becomes part of the export in three steps; a kill -9 between any two of them loses and repeats nothing:
//
//   1  .tap/events-000007 is written to its end and flushed    killed here: the state does not know it; it is made anew
//   2  state.json says that there are 7 files                  killed here: the next run begins with step 3
//   3  .tap/events-000007 is moved out of .tap/
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { type DataFolder, DataFolderError, openDataFolder } from '../../kernel/data-folder.ts';
import type { Format } from './arguments.ts';
import { openRowFile, type RowFile } from './row-file.ts';
import { BadInput } from './tap-error.ts';
import { STATE_FORMAT, type TapState } from './tap-state.ts';

const INSIDE = '.tap';
const STATE = 'state.json';
const EXPORTED = /^events-\d{6,}\.(parquet|avro)$/;
/** What file systems and desktops put everywhere. */
const HARMLESS = /^(lost\+found|\.gitkeep|\.DS_Store|\.tap)$/;
const LOCK_FILE = /fanlog\.lock\.\d+/;

export class OutputFolder {
  readonly path: string;
  readonly #inside: string;
  readonly #format: Format;
  readonly #ownership: DataFolder;
  /** What was not there before this run; null: the folder is of an earlier one. */
  readonly #made: string | null;

  private constructor(path: string, format: Format, ownership: DataFolder, made: string | null) {
    this.path = path;
    this.#inside = join(path, INSIDE);
    this.#format = format;
    this.#ownership = ownership;
    this.#made = made;
  }

  /** Makes the folder if need be, and takes it. @throws BadInput */
  static open(out: string, format: Format): OutputFolder {
    const path = resolve(out);
    const inside = join(path, INSIDE);
    try {
      const made = [path, inside].find((folder) => !existsSync(folder)) ?? null;
      // In a folder that is an export already, an analyst may have put something beside the files.
      if (made !== path && !existsSync(join(inside, STATE))) refuseStrangers(path);
      return new OutputFolder(path, format, openDataFolder(inside), made);
    } catch (error) {
      if (error instanceof BadInput) throw error;
      if (error instanceof DataFolderError && error.code === 'in_use') throw new BadInput(ownerOf(path, error));
      const reason = error instanceof Error ? error.message : String(error);
      throw new BadInput(`${path} cannot be used: ${reason.replace(/[.\s]*$/, '')}. Name another folder: --out.`);
    }
  }

  /** Where an earlier run stopped; null in a new folder. Ends what that run had begun. @throws BadInput */
  load(): TapState | null {
    const file = join(this.#inside, STATE);
    if (!existsSync(file)) {
      if (this.#files().length === 0) return null;
      throw new BadInput(
        `${this.path} holds exported files and not what a tap remembers of them. Name another: --out.`,
      );
    }
    const state = readState(file);
    if (state === null) {
      throw new BadInput(`${file} is not one that this version wrote. Name another folder: --out.`);
    }
    if (state.to !== this.#format) {
      throw new BadInput(
        `${this.path} was begun with --to ${state.to}. Name another folder for ${this.#format}: --out.`,
      );
    }
    const last = this.#fileName(state.files);
    if (existsSync(join(this.#inside, last))) this.#moveOut(last);
    for (const half of readdirSync(this.#inside).filter((name) => EXPORTED.test(name)))
      rmSync(join(this.#inside, half));
    return state;
  }

  /** The file of this number, which is in nobody's way until `commit`. */
  newFile(number: number): RowFile {
    return openRowFile(this.#format, join(this.#inside, this.#fileName(number)));
  }

  /** The state holds from now on, and with it the file that was closed, if there is a new one. */
  commit(state: TapState): void {
    this.#writeState(state);
    const last = this.#fileName(state.files);
    if (existsSync(join(this.#inside, last))) this.#moveOut(last);
  }

  close(): void {
    this.#ownership.close();
  }

  /** Closes it, and takes away again what was made for a run that could not begin. */
  discard(): void {
    this.close();
    if (this.#made !== null && this.#files().length === 0) rmSync(this.#made, { recursive: true });
  }

  #files(): string[] {
    return readdirSync(this.path).filter((name) => EXPORTED.test(name));
  }

  #fileName(number: number): string {
    return `events-${String(number).padStart(6, '0')}.${this.#format}`;
  }

  #moveOut(name: string): void {
    renameSync(join(this.#inside, name), join(this.path, name));
    flushFolder(this.path);
    flushFolder(this.#inside);
  }

  #writeState(state: TapState): void {
    const draft = join(this.#inside, `${STATE}.draft`);
    const file = openSync(draft, 'w');
    writeSync(file, `${JSON.stringify(state, null, 2)}\n`);
    fsyncSync(file);
    closeSync(file);
    renameSync(draft, join(this.#inside, STATE));
    flushFolder(this.#inside);
  }
}

function readState(file: string): TapState | null {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as TapState;
    return state.format === STATE_FORMAT ? state : null;
  } catch {
    return null;
  }
}

// Where the owner cannot be asked (another container, another machine, a file that was cut off), that sentence names the file
// to delete, which is the only way on after a kill -9 there.
function ownerOf(path: string, { message }: DataFolderError): string {
  if (LOCK_FILE.test(message)) return `Another tap may write to ${path}. ${message}`;
  return `Another tap writes to ${path}. Stop it, or name another folder: --out.`;
}

function refuseStrangers(path: string): void {
  const stranger = readdirSync(path).find((name) => !HARMLESS.test(name) && !EXPORTED.test(name));
  if (stranger === undefined) return;
  throw new BadInput(`${path} holds other files (${stranger}). An export has a folder of its own: --out.`);
}

function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
