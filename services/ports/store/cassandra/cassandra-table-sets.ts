// Sets of tables as keyspaces: set 0 is the keyspace of the settings, set n is `<keyspace>_t<n>` beside it, with the same
// replication and the same statements. A session is bound to one keyspace, so each set has a session of its own.
import { type StateStore, StoreError } from '../state-store.ts';
import { TableSetStore } from '../table-set-store.ts';
import { checkSetNumber, checkToBeRemoved, type TableSets, TablesMissingError } from '../table-sets.ts';
import { CassandraStateStore, type CassandraStateStoreSettings } from './cassandra-state-store.ts';
import { dropKeyspace, listKeyspaces, truncateTables } from './keyspaces.ts';
import { DERIVED_TABLES, keyspaceOfSet, setOfKeyspace } from './schema.ts';

export class CassandraTableSets implements TableSets {
  readonly #settings: CassandraStateStoreSettings;
  readonly #base: CassandraStateStore;

  /** `settings`: those that `base`, set 0, was opened with. It stays its opener's to close. */
  constructor(settings: CassandraStateStoreSettings, base: CassandraStateStore) {
    this.#settings = settings;
    this.#base = base;
  }

  async open(number: number): Promise<StateStore> {
    checkSetNumber(number);
    if (number > 0 && !(await this.list()).includes(number)) throw new TablesMissingError(number);
    return this.make(number);
  }

  async make(number: number): Promise<StateStore> {
    checkSetNumber(number);
    if (number === 0) return new TableSetStore(this.#base, this.#base, async () => {});
    const set = await CassandraStateStore.open({ ...this.#settingsOf(number), tables: DERIVED_TABLES });
    return new TableSetStore(this.#base, set, () => set.close());
  }

  async list(): Promise<readonly number[]> {
    const { keyspace } = this.#settings;
    const sets = (await listKeyspaces(this.#settings)).map((name) => setOfKeyspace(keyspace, name));
    const numbers = sets.filter((number) => number !== null).sort((a, b) => a - b);
    if (numbers[0] !== 0) throw new StoreError(`keyspace ${keyspace} is gone`);
    return numbers;
  }

  async remove(number: number): Promise<void> {
    await checkToBeRemoved(number, this.#base);
    if (number === 0) await truncateTables(this.#settings, DERIVED_TABLES);
    else await dropKeyspace(this.#settingsOf(number));
  }

  #settingsOf(number: number): CassandraStateStoreSettings {
    return { ...this.#settings, keyspace: keyspaceOfSet(this.#settings.keyspace, number) };
  }
}
