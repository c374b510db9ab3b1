// One partition: where it starts and ends for readers, its recent records in memory, older ones in lmdb.
import type { TopicName } from '../../../events/topics.ts';
import { type LogRecord, OffsetOutOfRangeError } from '../event-log.ts';
import type { Table } from './open-environment.ts';
import { BatchKeys, countOf, decodeBatch } from './record-batch.ts';

/** Batches dropped by one transaction of a trim. */
const TRIM_BATCHES_MAX = 10_000;

export class PartitionLog {
  readonly topic: TopicName;
  readonly partition: number;
  readonly keys: BatchKeys;
  readonly #table: Table;
  /** Records #tail[#tailHead...] are the newest, up to `end`. */
  #tail: LogRecord[] = [];
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

  /** Takes in records that were flushed just now, and wakes whoever waits for them. */
  flushed(records: readonly LogRecord[]): void {
    for (let i = 0; i < records.length; i++) this.#tail.push(records[i]!);
    this.#end += records.length;
    if (this.#waiting.size === 0) return;
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /** Forgets the oldest `count` records of the memory. */
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
    const tailStart = this.#end - (this.#tail.length - this.#tailHead);
    if (offset >= tailStart) {
      const first = this.#tailHead + offset - tailStart;
      return this.#tail.slice(first, first + records_max);
    }
    return this.#readStored(offset, records_max);
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
    await this.#table.put(this.keys.startKey(), start);
    for (;;) {
      const below = [
        ...this.#table.getKeys({ start: this.keys.at(0), end: this.keys.at(offset), limit: TRIM_BATCHES_MAX }),
      ];
      // The newest batch below `offset` may reach over it, and may be the last one.
      if (below.length <= 1) return;
      let done: Promise<boolean> | null = null;
      for (const key of below.slice(0, -1)) done = this.#table.remove(key);
      await done;
    }
  }
}
