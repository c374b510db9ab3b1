// Reads the topic from where the export is, partition after partition, a chunk of each in turn, and hands over rows: each
// event once, in the order of its partition.
import { decodeTimelineEvent, UnreadableRecordError } from '../../events/codec.ts';
import { type LogRecord, OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import { type EventRow, rowOf } from './event-row.ts';
import { type EventSource, SourceChangedError } from './event-source.ts';
import { differenceIn, hashOf, trimmed } from './log-comparison.ts';
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

export const NO_CHUNK: Chunk = { records: 0, repeats: 0, rows: [] };

export class EventReader {
  readonly #source: EventSource;
  readonly #filter: RepeatFilter;
  readonly #next: number[];
  readonly #last: (string | LogRecord | null)[];
  /** Events before it are left out: milliseconds since 1970. */
  readonly #since_ms: number;
  /** By partition that cannot be read any further: why. */
  readonly #failures = new Map<number, TapFailed>();
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
    const difference = await differenceIn(source, state);
    if (difference !== null) throw new BadInput(difference.message);
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
   * For a log that was away and is there again: whether it is the one that was read so far.
   * @throws TapFailed when it is another one; SourceChangedError when it may yet turn out to be the same; SourceAwayError
   */
  async compare(): Promise<void> {
    const { next, last, positions } = this.place;
    const { topic } = this.#source;
    const difference = await differenceIn(this.#source, { topic, next, last, positions });
    if (difference === null) return;
    if (!difference.mayPass) throw new TapFailed(difference.message);
    throw new SourceChangedError(difference.message.replace(/\.$/, ''));
  }

  /**
   * The next records of the next partition that has some, not from `ends` on (by partition; null: whatever is there).
   *
   * A partition that cannot be read any further is told when the others are at their ends, so that one bad record keeps
   * back nothing but what is behind it. Without ends it is told at once: the others may never have nothing new.
   * @throws TapFailed, SourceAwayError; what was handed over before stays right
   */
  async read(ends: readonly number[] | null): Promise<Chunk> {
    let isWaiting = false;
    for (let looked = 0; looked < this.#next.length; looked++) {
      const partition = this.#turn;
      this.#turn = (this.#turn + 1) % this.#next.length;
      const end = ends?.[partition] ?? Number.POSITIVE_INFINITY;
      const wanted = Math.min(RECORDS_MAX, end - this.#next[partition]!);
      if (wanted <= 0 || this.#failures.has(partition)) continue;
      try {
        const records = await this.#readFrom(partition, wanted);
        if (records.length > 0) return this.#take(partition, records);
        isWaiting = true;
      } catch (error) {
        if (!(error instanceof TapFailed) || ends === null) throw error;
        this.#failures.set(partition, error);
      }
    }
    const [failure] = this.#failures.values();
    if (failure !== undefined && !isWaiting) throw failure;
    return NO_CHUNK;
  }

  async #readFrom(partition: number, records_max: number): Promise<readonly LogRecord[]> {
    const offset = this.#next[partition]!;
    try {
      return await this.#source.read(partition, offset, records_max);
    } catch (error) {
      if (!(error instanceof OffsetOutOfRangeError)) throw error;
      const { start, end } = await this.#source.range(partition);
      if (start > offset) throw new TapFailed(trimmed(this.#source, partition, offset, start));
      const where = `Partition ${partition} of ${this.#source.topic}`;
      if (end < offset) throw new TapFailed(`${where} ends before offset ${offset}: it was made anew.`);
      throw new TapFailed(`${where} holds offsets ${start} to ${end}, and not ${offset}.`);
    }
  }

  /** Up to a record that it fails at, which changes nothing here: the next read begins with it, and fails. */
  #take(partition: number, records: readonly LogRecord[]): Chunk {
    const rows: EventRow[] = [];
    let taken = 0;
    let repeats = 0;
    try {
      for (const record of records) {
        const event = this.#decode(partition, record);
        const { offset } = record;
        this.#next[partition] = offset + 1;
        this.#last[partition] = record;
        taken++;
        if (!this.#filter.take(event)) repeats++;
        else if (event.time >= this.#since_ms) rows.push(rowOf(event, partition, offset));
      }
    } catch (error) {
      if (!(error instanceof TapFailed) || taken === 0) throw error;
    }
    return { records: taken, repeats, rows };
  }

  #decode(partition: number, { offset, value }: LogRecord) {
    const where = `Partition ${partition} of ${this.#source.topic}`;
    const expected = this.#next[partition]!;
    if (offset !== expected) throw new TapFailed(`${where}: record ${expected} was expected, ${offset} came.`);
    try {
      return decodeTimelineEvent(value);
    } catch (error) {
      if (!(error instanceof UnreadableRecordError)) throw error;
      throw new TapFailed(`${where}, record ${offset}: ${error.message}.`);
    }
  }
}
