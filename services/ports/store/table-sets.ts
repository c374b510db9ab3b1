// Sets of derived tables, beside each other: one is in force, another is being rebuilt from the log (infra/decisions/0014).
//
//   set 0     the base: its derived tables, and what is not derived (accounts, parked offsets, the generation)
//   set 1…    derived tables only; a number is used once and never again
//
// Adapters: embedded/ (an lmdb environment a set), cassandra/ (a keyspace a set). Contract: test/contract/table-sets.ts.
import { type StateStore, StoreError } from './state-store.ts';

export interface TableSets {
  /**
   * The tables of that number as a whole StateStore: what is not derived is the base's. The caller closes it; of set 0 that
   * closes nothing. @throws TablesMissingError when there are none, StoreError
   */
  open(number: number): Promise<StateStore>;
  /** The same, made where they are missing: for whoever fills them. @throws StoreError */
  make(number: number): Promise<StateStore>;
  /** Numbers of the sets there are, ascending; 0 always. @throws StoreError */
  list(): Promise<readonly number[]>;
  /**
   * Removes the rows of a set; of set 0 those of the derived tables only. Whoever has it open must have closed it, or
   * must not mind. @throws StoreError, also when the set is in force
   */
  remove(number: number): Promise<void>;
}

/**
 * A set that was put in force is not there any more. It is not made anew in passing: processors would go on in empty tables,
 * give known conversations their first numbers again, and number inboxes in another order under the same epoch.
 */
export class TablesMissingError extends StoreError {
  constructor(number: number) {
    super(
      `set ${number} of the tables, which is in force, is not there: rebuild it from the log with npm run replay -- --from inbox (or messages)`,
    );
    this.name = 'TablesMissingError';
  }
}

/** @throws RangeError: a bug of the caller. */
export function checkSetNumber(number: number): void {
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`${number} is no number of a set of tables`);
}

/** @throws StoreError when the set is in force, RangeError */
export async function checkToBeRemoved(number: number, base: StateStore): Promise<void> {
  checkSetNumber(number);
  const generation = await base.loadGeneration();
  if (generation !== null && generation.tables === number)
    throw new StoreError(`set ${number} of the tables is in force, and is not removed`);
}
