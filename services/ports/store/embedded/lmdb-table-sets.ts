// Sets of tables in the data folder: set 0 is the environment `state`, set n the environment `tables-<n>` beside it.
//
// A second process may open the same sets: lmdb takes writers of several processes in turn. What a server has written
// behind and not yet put on disk (two seconds) only the server itself sees.
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runtime } from '../../../kernel/runtime.ts';
import { damagedFileOf } from '../../log/embedded/check-lmdb-files.ts';
import { openTable, type Table } from '../../log/embedded/open-environment.ts';
import { type StateStore, StoreError } from '../state-store.ts';
import { TableSetStore } from '../table-set-store.ts';
import { checkSetNumber, checkToBeRemoved, type TableSets, TablesMissingError } from '../table-sets.ts';
import { LmdbStateStore } from './lmdb-state-store.ts';

const FOLDER = /^tables-([1-9][0-9]*)$/;

export class LmdbTableSets implements TableSets {
  readonly #folder: string;
  readonly #base: LmdbStateStore;
  readonly #runtime: Runtime;

  /** `folder`: the data folder. `base`: set 0, which stays its opener's to close. */
  constructor(folder: string, base: LmdbStateStore, runtime: Runtime) {
    this.#folder = folder;
    this.#base = base;
    this.#runtime = runtime;
  }

  async open(number: number): Promise<StateStore> {
    checkSetNumber(number);
    if (number > 0 && !existsSync(this.#folderOf(number))) throw new TablesMissingError(number);
    return this.make(number);
  }

  async make(number: number): Promise<StateStore> {
    checkSetNumber(number);
    if (number === 0) return new TableSetStore(this.#base, this.#base, async () => {});
    const state = openSet(this.#folderOf(number));
    const set = new LmdbStateStore({ state }, this.#runtime);
    return new TableSetStore(this.#base, set, async () => {
      // What cannot be written any more is derived again; the environment must not stay open for it.
      await set.close().finally(() => state.close());
    });
  }

  async list(): Promise<readonly number[]> {
    const numbers = readdirSync(this.#folder).flatMap((name) => {
      const number = FOLDER.exec(name)?.[1];
      return number === undefined ? [] : [Number(number)];
    });
    return [0, ...numbers.sort((a, b) => a - b)];
  }

  async remove(number: number): Promise<void> {
    await checkToBeRemoved(number, this.#base);
    if (number === 0) await this.#base.clearDerived();
    else await rm(this.#folderOf(number), { recursive: true, force: true });
  }

  #folderOf(number: number): string {
    return join(this.#folder, `tables-${number}`);
  }
}

function openSet(folder: string): Table {
  const damaged = damagedFileOf(folder);
  if (damaged !== null) throw new StoreError(`the file ${damaged} is damaged: it is no lmdb file any more`);
  try {
    return openTable(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError(`the tables in ${folder} cannot be opened: ${reason}`, { cause: error });
  }
}
