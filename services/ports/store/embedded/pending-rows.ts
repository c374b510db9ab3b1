// Rows that were written but are not in lmdb yet. Two generations: `fresh` takes writes, `leaving` is being written to
// lmdb. What is here is at least as new as what is in lmdb: whoever sets a row has compared positions.

/** One row a key. */
export class PendingCells<Row> {
  #fresh = new Map<string, Row>();
  #leaving: ReadonlyMap<string, Row> = new Map();

  get(key: string): Row | undefined {
    return this.#fresh.get(key) ?? this.#leaving.get(key);
  }

  set(key: string, row: Row): void {
    this.#fresh.set(key, row);
  }

  /** Of all rows that are here. */
  keys(): Set<string> {
    return new Set([...this.#leaving.keys(), ...this.#fresh.keys()]);
  }

  /** Begins a new generation; the last one must have arrived. */
  leave(): void {
    this.#leaving = this.#fresh;
    this.#fresh = new Map();
  }

  get leaving(): ReadonlyMap<string, Row> {
    return this.#leaving;
  }

  /** All that was leaving is in lmdb. */
  arrived(): void {
    this.#leaving = new Map();
  }
}

/** Rows by partition key and, inside it, by row key. */
export class PendingRows<Key, Row> {
  #fresh = new Map<string, Map<Key, Row>>();
  #leaving: ReadonlyMap<string, ReadonlyMap<Key, Row>> = new Map();

  get(partition: string, key: Key): Row | undefined {
    return this.#fresh.get(partition)?.get(key) ?? this.#leaving.get(partition)?.get(key);
  }

  set(partition: string, key: Key, row: Row): void {
    const rows = this.#fresh.get(partition);
    if (rows === undefined) this.#fresh.set(partition, new Map([[key, row]]));
    else rows.set(key, row);
  }

  /** Calls `take` for each row of a partition key; of two with one key the newer comes last. */
  forEachOf(partition: string, take: (row: Row, key: Key) => void): void {
    this.#leaving.get(partition)?.forEach(take);
    this.#fresh.get(partition)?.forEach(take);
  }

  /** How many rows a partition key has, or some more. */
  countOf(partition: string): number {
    return (this.#leaving.get(partition)?.size ?? 0) + (this.#fresh.get(partition)?.size ?? 0);
  }

  leave(): void {
    this.#leaving = this.#fresh;
    this.#fresh = new Map();
  }

  get leaving(): ReadonlyMap<string, ReadonlyMap<Key, Row>> {
    return this.#leaving;
  }

  arrived(): void {
    this.#leaving = new Map();
  }
}
