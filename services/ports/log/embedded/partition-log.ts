// One partition: where it starts and ends for readers, its recent records in memory, older ones in lmdb.
import type { TopicName } from '../../../events/topics.ts';
import { type LogRecord, OffsetOutOfRangeError } from '../event-log.ts';
import { Commits } from './commits.ts';
import type { Table } from './open-environment.ts';
import { BatchKeys, countOf, decodeBatch } from './record-batch.ts';

/** Batches dropped by one transaction of a trim. */
const TRIM_BATCHES_MAX = 10_000;

/**
 * Records that were appended together, as the bytes they are on disk. Kept like this, not as objects: what lives for a
 * second and then goes is what a garbage collector copies most, and of `timeline` nobody here ever reads it.
 */
export interface RecentBatch {
  readonly base: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

export class PartitionLog {
  readonly topic: TopicName;
  readonly partition: number;
  readonly keys: BatchKeys;
  readonly #table: Table;
  /** Batches #tail[#tailHead...] are the newest, up to `end`. */
  #tail: RecentBatch[] = [];
  #tailHead = 0;
  #start = 0;
  #end = 0;
  readonly #waiting = new Set<() => void>();

  constructor(table: Table, generation: number, topic: TopicName, partition: number) {
    this.#table = table;
    this.topic = topic;
    this.partition = partition;
    this.keys = new BatchKeys(generation, topic, partition);
    this.#end = this.storedEnd();
    const start = table.get(this.keys.startKey());
    this.#start = start === undefined ? 0 : Buffer.from(start).readUIntBE(0, 6);
  }

  get start(): number {
    return this.#start;
  }

  /** What readers can see: durable records only. */
  get end(): number {
    return this.#end;
  }

  /** The end by what is on disk. */
  storedEnd(): number {
    for (const { key, value } of this.#table.getRange({ start: this.keys.last(), reverse: true, limit: 1 })) {
      const base = this.keys.offsetOf(key);
      if (base !== null) return base + countOf(value);
    }
    return 0;
  }

  /** Takes in batches that were flushed just now, and wakes whoever waits for them. */
  flushed(batches: readonly RecentBatch[]): void {
    for (const batch of batches) {
      this.#tail.push(batch);
      this.#end += batch.count;
    }
    if (this.#waiting.size === 0) return;
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /** Forgets the oldest `count` batches of the memory. */
  forget(count: number): void {
    this.#tailHead = Math.min(this.#tailHead + count, this.#tail.length);
    if (this.#tailHead * 2 < this.#tail.length) return;
    this.#tail = this.#tail.slice(this.#tailHead);
    this.#tailHead = 0;
  }

  /** Calls `wake` once, when there are more records. Returns how to stop waiting. */
  wait(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }

  /** At most `records_max` records from `offset` on; none at the end. @throws OffsetOutOfRangeError */
  read(offset: number, records_max: number): readonly LogRecord[] {
    if (offset < this.#start || offset > this.#end) throw new OffsetOutOfRangeError(this.topic, this.partition, offset);
    if (offset === this.#end) return [];
    const oldest = this.#tail[this.#tailHead];
    if (oldest !== undefined && offset >= oldest.base) return this.#readRecent(offset, records_max);
    return this.#readStored(offset, records_max);
  }

  /** From as many batches as it takes: a reader that fell behind does more at a time. */
  #readRecent(offset: number, records_max: number): readonly LogRecord[] {
    let place = this.#placeOf(offset);
    const first = this.#tail[place]!;
    const records = decodeBatch(first.base, first.bytes, offset, records_max);
    while (records.length < records_max && ++place < this.#tail.length) {
      const { base, bytes } = this.#tail[place]!;
      for (const record of decodeBatch(base, bytes, base, records_max - records.length)) records.push(record);
    }
    return records;
  }

  /** Where the batch with record `offset` stands in the memory, which has it. */
  #placeOf(offset: number): number {
    let low = this.#tailHead;
    let high = this.#tail.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#tail[middle]!.base <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #readStored(offset: number, records_max: number): readonly LogRecord[] {
    // A reader that goes on where it stopped is at the start of a batch; only the first read has to look for it.
    const exact = this.#table.get(this.keys.at(offset));
    if (exact !== undefined) return decodeBatch(offset, exact, offset, records_max);
    for (const { key, value } of this.#table.getRange({ start: this.keys.at(offset), reverse: true, limit: 1 })) {
      const base = this.keys.offsetOf(key);
      if (base === null || base + countOf(value) <= offset) break;
      return decodeBatch(base, value, offset, records_max);
    }
    throw new OffsetOutOfRangeError(this.topic, this.partition, offset);
  }

  /** Drops every record below `offset`. The last batch stays on disk: it says where the partition ends. */
  async trim(offset: number): Promise<void> {
    if (offset > this.#end) throw new OffsetOutOfRangeError(this.topic, this.partition, offset);
    if (offset <= this.#start) return;
    this.#start = offset;
    const start = Buffer.alloc(6);
    start.writeUIntBE(offset, 0, 6);
    const commits = new Commits();
    commits.add(this.#table.put(this.keys.startKey(), start));
    await commits.settled();
    for (;;) {
      const below = [
        ...this.#table.getKeys({ start: this.keys.at(0), end: this.keys.at(offset), limit: TRIM_BATCHES_MAX }),
      ];
      // The newest batch below `offset` may reach over it, and may be the last one.
      if (below.length <= 1) return;
      for (const key of below.slice(0, -1)) commits.add(this.#table.remove(key));
      await commits.settled();
    }
  }
}
