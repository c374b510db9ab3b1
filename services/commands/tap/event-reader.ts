// Reads the topic from where the export is, partition after partition, a chunk of each in turn, and hands over rows: each
// event once, in the order of its partition.
import { createHash } from 'node:crypto';
import { decodeTimelineEvent, UnreadableRecordError } from '../../events/codec.ts';
import { type LogRecord, OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import { type EventRow, rowOf } from './event-row.ts';
import type { EventSource } from './event-source.ts';
import { RepeatFilter } from './repeat-filter.ts';
import { BadInput, TapFailed } from './tap-error.ts';
import type { TapState } from './tap-state.ts';

/** Decoded at a time: a megabyte of short messages. */
const RECORDS_MAX = 4_096;

type Place = Pick<TapState, 'next' | 'last' | 'positions'>;

export interface Chunk {
  /** Records read; 0: everything there is now was read. */
  readonly records: number;
  readonly repeats: number;
  readonly rows: readonly EventRow[];
}

export class EventReader {
  readonly #source: EventSource;
  readonly #filter: RepeatFilter;
  readonly #next: number[];
  readonly #last: (string | LogRecord | null)[];
  /** Events before it are left out: milliseconds since 1970. */
  readonly #since_ms: number;
  #turn = 0;

  private constructor(source: EventSource, { next, last, positions }: Place, since_ms: number) {
    this.#source = source;
    this.#next = [...next];
    this.#last = [...last];
    this.#filter = new RepeatFilter(source.sourcePartitions, positions);
    this.#since_ms = since_ms;
  }

  static begin(source: EventSource, offsets: readonly number[], since_ms: number): EventReader {
    const place = {
      next: offsets,
      last: offsets.map(() => null),
      positions: new RepeatFilter(source.sourcePartitions).positions,
    };
    return new EventReader(source, place, since_ms);
  }

  /** Goes on where an export stopped. @throws BadInput when the log is another one, or does not reach back so far */
  static async resume(source: EventSource, state: TapState, since_ms: number): Promise<EventReader> {
    const isSame = state.topic === source.topic && state.next.length === source.partitions;
    if (!isSame || state.positions.length !== source.sourcePartitions) throw anotherLog(source);
    for (const [partition, offset] of state.next.entries()) {
      const { start, end } = await source.range(partition);
      if (offset > end) throw anotherLog(source);
      if (offset < start) throw new BadInput(trimmed(source, partition, offset, start));
      const last = state.last[partition]!;
      if (last === null || offset === start) continue; // or nothing is left to compare
      const [record] = await source.read(partition, offset - 1, 1);
      if (record === undefined || hashOf(record) !== last) throw anotherLog(source);
    }
    return new EventReader(source, state, since_ms);
  }

  get place(): Place {
    const last = this.#last.map((record) => (record === null || typeof record === 'string' ? record : hashOf(record)));
    return { next: [...this.#next], last, positions: this.#filter.positions };
  }

  /** How many records there are to read, up to `ends`. */
  left(ends: readonly number[]): number {
    return ends.reduce((sum, end, partition) => sum + Math.max(0, end - this.#next[partition]!), 0);
  }

  /**
   * The next records of the next partition that has some, not from `ends` on (by partition; null: whatever is there).
   * @throws TapFailed, SourceAwayError
   */
  async read(ends: readonly number[] | null): Promise<Chunk> {
    for (let looked = 0; looked < this.#next.length; looked++) {
      const partition = this.#turn;
      this.#turn = (this.#turn + 1) % this.#next.length;
      const end = ends?.[partition] ?? Number.POSITIVE_INFINITY;
      const wanted = Math.min(RECORDS_MAX, end - this.#next[partition]!);
      if (wanted <= 0) continue;
      const records = await this.#readFrom(partition, wanted);
      if (records.length > 0) return this.#take(partition, records);
    }
    return { records: 0, repeats: 0, rows: [] };
  }

  async #readFrom(partition: number, records_max: number): Promise<readonly LogRecord[]> {
    const offset = this.#next[partition]!;
    try {
      return await this.#source.read(partition, offset, records_max);
    } catch (error) {
      if (!(error instanceof OffsetOutOfRangeError)) throw error;
      const { start } = await this.#source.range(partition);
      if (start > offset) throw new TapFailed(trimmed(this.#source, partition, offset, start));
      throw new TapFailed(
        `Partition ${partition} of ${this.#source.topic} ends before offset ${offset}: it was made anew.`,
      );
    }
  }

  #take(partition: number, records: readonly LogRecord[]): Chunk {
    const rows: EventRow[] = [];
    let repeats = 0;
    for (const record of records) {
      const { offset, value } = record;
      if (offset !== this.#next[partition]) {
        throw new TapFailed(`${this.#where(partition)}: record ${this.#next[partition]} was expected, ${offset} came.`);
      }
      const event = this.#decode(partition, offset, value);
      this.#next[partition] = offset + 1;
      this.#last[partition] = record;
      if (!this.#filter.take(event)) repeats++;
      else if (event.time >= this.#since_ms) rows.push(rowOf(event, partition, offset));
    }
    return { records: records.length, repeats, rows };
  }

  #decode(partition: number, offset: number, value: Uint8Array) {
    try {
      return decodeTimelineEvent(value);
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error;
      throw new TapFailed(`${this.#where(partition)}, record ${offset}: ${error.message}.`);
    }
  }

  #where(partition: number): string {
    return `Partition ${partition} of ${this.#source.topic}`;
  }
}

function hashOf({ value }: LogRecord): string {
  return createHash('sha256').update(value).digest('hex');
}

function anotherLog({ name }: EventSource): BadInput {
  return new BadInput(`The folder was begun from another log than that of ${name}. Name another folder: --out.`);
}

function trimmed({ topic }: EventSource, partition: number, offset: number, start: number): string {
  return `Partition ${partition} of ${topic} was trimmed: it begins at ${start}, and ${offset} is the next one to export. What was between is gone; begin anew in another folder (--out).`;
}
