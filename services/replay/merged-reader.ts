// Reads a span of every partition of a topic as one sequence, in the order of the log's own times.
//
//   messages/0  ──5──────9──▶ ┐
//   messages/1  ─────7──8───▶ ├─▶ 5 7 8 9 …        the partition whose next record is the oldest goes first
//
// The sequence follows from the records alone: whoever goes on in the middle, with what is left of each partition, gets the
// rest of it. That is what makes a rebuild from `messages` give the same numbers after a crash.
import type { TopicName } from '../events/topics.ts';
import { type EventLog, type LogRecord, OffsetOutOfRangeError } from '../ports/log/event-log.ts';
import { ReplayError } from './replay-error.ts';

export interface PartitionSpan {
  readonly partition: number;
  /** Offset of the first record. */
  readonly from: number;
  /** One above the last. */
  readonly to: number;
}

export interface MergedRecord {
  readonly partition: number;
  readonly record: LogRecord;
}

/** Records of a partition that are asked for at once; a log gives fewer when they are large. */
const READ_RECORDS = 4_000;

export class MergedReader {
  readonly #cursors: Cursor[];

  constructor(log: Pick<EventLog, 'readFrom'>, topic: TopicName, spans: readonly PartitionSpan[]) {
    this.#cursors = spans.filter(({ from, to }) => from < to).map((span) => new Cursor(log, topic, span));
  }

  /** The next records, at most `records_max`; none at the end. May be asked again after a failure. @throws ReplayError when a record is missing */
  async read(records_max: number): Promise<MergedRecord[]> {
    const merged: MergedRecord[] = [];
    while (merged.length < records_max && this.#cursors.length > 0) {
      try {
        for (const cursor of this.#cursors) if (cursor.head === null) await cursor.fill();
      } catch (error) {
        if (merged.length > 0) return merged; // the next call meets it
        throw error;
      }
      this.#take(merged, records_max);
    }
    return merged;
  }

  /** Until a partition has nothing in memory, or is at its end. */
  #take(merged: MergedRecord[], records_max: number): void {
    while (merged.length < records_max) {
      let oldest = 0;
      for (let i = 1; i < this.#cursors.length; i++)
        if (this.#cursors[i]!.head!.appendTime < this.#cursors[oldest]!.head!.appendTime) oldest = i;
      const cursor = this.#cursors[oldest]!;
      merged.push({ partition: cursor.partition, record: cursor.head! });
      cursor.advance();
      if (cursor.isDone) this.#cursors.splice(oldest, 1);
      if (cursor.isDone || cursor.head === null) return;
    }
  }
}

class Cursor {
  readonly partition: number;
  readonly #log: Pick<EventLog, 'readFrom'>;
  readonly #topic: TopicName;
  readonly #to: number;
  /** Of the first record that is not in memory. */
  #next: number;
  #records: readonly LogRecord[] = [];
  #index = 0;
  #ahead: Promise<readonly LogRecord[]> | null = null;

  constructor(log: Pick<EventLog, 'readFrom'>, topic: TopicName, { partition, from, to }: PartitionSpan) {
    this.#log = log;
    this.#topic = topic;
    this.partition = partition;
    this.#next = from;
    this.#to = to;
  }

  get head(): LogRecord | null {
    return this.#records[this.#index] ?? null;
  }

  get isDone(): boolean {
    return this.head === null && this.#next >= this.#to;
  }

  advance(): void {
    this.#index++;
  }

  /** And asks for what comes after it, so that it is there when it is needed. */
  async fill(): Promise<void> {
    const asked = this.#ahead ?? this.#ask();
    this.#ahead = null; // a read that failed is asked for again
    const records = await asked;
    for (const [i, { offset }] of records.entries())
      if (offset !== this.#next + i) throw this.#missing(`after ${this.#next + i - 1} comes ${offset}`);
    if (records.length === 0) throw this.#missing(`record ${this.#next} does not come`);
    this.#next += records.length;
    this.#records = records;
    this.#index = 0;
    if (this.#next < this.#to) {
      this.#ahead = this.#ask();
      this.#ahead.catch(() => {}); // met by the next `fill`
    }
  }

  async #ask(): Promise<readonly LogRecord[]> {
    const records_max = Math.min(READ_RECORDS, this.#to - this.#next);
    try {
      return await this.#log.readFrom(this.#topic, this.partition, this.#next, records_max);
    } catch (error) {
      if (error instanceof OffsetOutOfRangeError) throw this.#missing(error.message);
      throw error;
    }
  }

  #missing(what: string): ReplayError {
    return new ReplayError(
      `${this.#topic}/${this.partition} has a hole: ${what}. What is missing cannot be rebuilt; restore the topic first.`,
    );
  }
}
