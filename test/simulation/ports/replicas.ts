// Three replicas of a store of rows, as Cassandra keeps them: the newest timestamp wins on each replica by itself, a
// write is acknowledged when two have it, a read merges two and repairs what it selected on both.
import { StoreError } from '../../../services/ports/store/state-store.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { WORLD } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';

/** A row as one cell; a null value is a tombstone. */
export interface Cell {
  readonly timestamp: number;
  readonly value: unknown;
}

/** One batch of one partition: each replica applies all of it or nothing. */
export interface Mutation {
  readonly partition: string;
  readonly timestamp: number;
  readonly rows: readonly (readonly [row: string, value: unknown])[];
}

type Replica = Map<string, Map<string, Cell>>;
export type Rows = ReadonlyMap<string, unknown>;

export const REPLICAS = 3;
const QUORUM = 2;
export const PAIRS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 2],
];

export class Replicas {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly #replicas: readonly Replica[] = Array.from({ length: REPLICAS }, () => new Map());

  constructor(scheduler: Scheduler, faults: Faults) {
    this.scheduler = scheduler;
    this.faults = faults;
  }

  /** Resolves when every mutation is on two replicas. Mutations are independent of each other. @throws StoreError */
  write(process: SimProcess, label: string, mutations: readonly Mutation[]): Promise<void> {
    if (mutations.length === 0) return Promise.resolve();
    return process.call(label, (answer) => {
      let missing = mutations.length;
      let failed = false;
      for (const mutation of mutations) {
        this.#writeOne(mutation, (ok) => {
          if (!ok) failed = true;
          if (--missing > 0) return;
          if (failed) answer.reject(new StoreError(`${label} timed out`));
          else answer.resolve(undefined);
        });
      }
    });
  }

  /** The rows of one partition that `select` takes, tombstones left out, as two replicas together know them. */
  read(
    process: SimProcess,
    label: string,
    partition: string,
    select: (row: string) => boolean = () => true,
  ): Promise<Rows> {
    return process.call(label, (answer) => {
      if (this.faults.strikes('store_read_failed')) {
        this.faults.count('store_read_failed');
        answer.reject(new StoreError(`${label} timed out`));
        return;
      }
      const pair = this.scheduler.random.pick(PAIRS);
      if (!this.faults.strikes('store_read_split')) {
        answer.resolve(this.readPair(pair, partition, select));
        return;
      }
      this.faults.count('store_read_split');
      const first = this.#merge([pair[0]], partition, select);
      const { random } = this.scheduler;
      const later_ms = random.chance(0.5) ? random.between(0.1, 40) : random.between(40, 500);
      this.scheduler.schedule(later_ms, WORLD, label, () => {
        answer.resolve(this.#repair(pair, partition, this.#merge([pair[1]], partition, select, first)));
      });
    });
  }

  /** As `read`, of several partitions: their statements run at different instants, in any order. */
  readMany(
    process: SimProcess,
    label: string,
    partitions: readonly string[],
    select: (row: string) => boolean,
  ): Promise<readonly Rows[]> {
    return process.call(label, (answer) => {
      const results: Rows[] = [];
      const left = this.scheduler.random.shuffle(partitions.map((_, index) => index));
      const step = () => {
        while (left.length > 0) {
          if (this.faults.strikes('store_read_failed')) {
            this.faults.count('store_read_failed');
            answer.reject(new StoreError(`${label} timed out`));
            return;
          }
          const index = left.pop()!;
          results[index] = this.readPair(this.scheduler.random.pick(PAIRS), partitions[index]!, select);
          if (left.length > 0 && this.scheduler.random.chance(0.2)) {
            this.scheduler.schedule(this.scheduler.latency_ms(), WORLD, label, step);
            return;
          }
        }
        answer.resolve(results);
      };
      step();
    });
  }

  /** One statement, at one instant on both replicas; what was selected is repaired on both before the answer. */
  readPair(pair: readonly [number, number], partition: string, select: (row: string) => boolean): Rows {
    return this.#repair(pair, partition, this.#merge(pair, partition, select));
  }

  #repair(pair: readonly number[], partition: string, merged: ReadonlyMap<string, Cell>): Rows {
    for (const [row, cell] of merged) for (const index of pair) this.#put(index, partition, row, cell);
    return present(merged);
  }

  /** What two replicas together know, repairing nothing: for the checker. */
  peekPair(pair: readonly [number, number], partition: string): Rows {
    return present(this.#merge(pair, partition, () => true));
  }

  #merge(
    replicas: readonly number[],
    partition: string,
    select: (row: string) => boolean,
    into: ReadonlyMap<string, Cell> = new Map(),
  ): Map<string, Cell> {
    const merged = new Map(into);
    for (const index of replicas) {
      for (const [row, cell] of this.#replicas[index]!.get(partition) ?? []) {
        if (!select(row)) continue;
        const other = merged.get(row);
        if (other === undefined || wins(cell, other)) merged.set(row, cell);
      }
    }
    return merged;
  }

  /** Each replica's partitions as they are at this moment, once more under other names; null: not that one. */
  copy(nameOf: (partition: string) => string | null): void {
    for (const replica of this.#replicas) {
      for (const [partition, rows] of [...replica]) {
        const name = nameOf(partition);
        if (name !== null) replica.set(name, new Map(rows));
      }
    }
  }

  /** What any replica has of a partition, repairing nothing. */
  peek(partition: string): ReadonlyMap<string, Cell> {
    return this.#merge([0, 1, 2], partition, () => true);
  }

  /** Every replica has these cells of a partition, and no others. */
  replace(partition: string, cells: ReadonlyMap<string, Cell>): void {
    for (const replica of this.#replicas) {
      if (cells.size === 0) replica.delete(partition);
      else replica.set(partition, new Map(cells));
    }
  }

  /** Every partition that any replica has, for the checker. */
  partitions(): Set<string> {
    return new Set(this.#replicas.flatMap((replica) => [...replica.keys()]));
  }

  #writeOne(mutation: Mutation, done: (ok: boolean) => void): void {
    const { faults, scheduler } = this;
    const order = scheduler.random.shuffle([0, 1, 2]);
    let reached = 0;
    const apply = (index: number) => {
      for (const [row, value] of mutation.rows) {
        this.#put(index, mutation.partition, row, { timestamp: mutation.timestamp, value });
      }
    };
    const applyLater = (index: number, after_ms: number, then: () => void = () => {}) => {
      scheduler.schedule(after_ms, WORLD, `store.apply${index}`, () => {
        apply(index);
        then();
      });
    };
    const timeout = () =>
      scheduler.schedule(scheduler.random.between(5, 60), WORLD, 'store.timeout', () => done(false));

    if (faults.strikes('store_not_applied')) {
      faults.count('store_not_applied');
      timeout();
      return;
    }
    if (faults.strikes('store_one_replica')) {
      faults.count('store_one_replica');
      applyLater(order[0]!, scheduler.latency_ms());
      timeout();
      return;
    }
    if (faults.strikes('store_applied_unknown')) {
      faults.count('store_applied_unknown');
      // Now or later, also after the caller's repetition and after newer writes.
      for (const index of order.slice(0, QUORUM)) applyLater(index, scheduler.random.between(1, 2_000));
      timeout();
      return;
    }
    const onApplied = () => {
      if (++reached === QUORUM) done(true);
    };
    for (const index of order.slice(0, QUORUM)) applyLater(index, scheduler.random.between(0.1, 4), onApplied);
    if (faults.strikes('store_late_replica')) {
      faults.count('store_late_replica');
      if (scheduler.random.chance(0.5)) applyLater(order[2]!, scheduler.random.between(50, 5_000));
    } else {
      applyLater(order[2]!, scheduler.random.between(0.1, 10));
    }
  }

  #put(index: number, partition: string, row: string, cell: Cell): void {
    const replica = this.#replicas[index]!;
    let rows = replica.get(partition);
    if (rows === undefined) {
      rows = new Map();
      replica.set(partition, rows);
    }
    const old = rows.get(row);
    if (old === undefined || wins(cell, old)) rows.set(row, cell);
  }
}

function present(cells: ReadonlyMap<string, Cell>): Rows {
  const rows = new Map<string, unknown>();
  for (const [row, { value }] of cells) if (value !== null) rows.set(row, value);
  return rows;
}

// Of equal timestamps a deletion wins, then the greater value: as Cassandra decides, so that replicas agree.
function wins(a: Cell, b: Cell): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  if (a.value === null || b.value === null) return b.value !== null;
  return a.value !== b.value && text(a.value) > text(b.value);
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? Buffer.from(part).toString('base64') : part));
}
