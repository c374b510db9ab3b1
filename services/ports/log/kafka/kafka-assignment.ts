// A partition in the hands of one member: between what is fetched ahead and the handler that reads it.
//
//   fetcher ── offer() ──▶ buffer (bounded) ──▶ read()          seek() empties it and starts a new `epoch`,
//                                                              so that what is still under way from before is dropped
import type { TopicName } from '../../../events/topics.ts';
import {
  type LogRecord,
  OffsetOutOfRangeError,
  type PartitionAssignment,
  PartitionRevokedError,
  ReadSupersededError,
} from '../event-log.ts';

/** Fetched ahead, a partition: a second of 1,000 records/s of 256 bytes. One fetch may go beyond by its own size. */
const BUFFER_BYTES_MAX = 256 * 1024;

/** What is asked of the broker next. */
export interface FetchPosition {
  readonly epoch: number;
  readonly offset: number;
}

export interface AssignmentOwner {
  commit(partition: number, offset: number): void;
  /** Something may be fetched that could not be before. */
  wakeFetcher(): void;
  monotonic(): number;
}

export class KafkaAssignment implements PartitionAssignment {
  readonly topic: TopicName;
  readonly partition: number;
  readonly signal: AbortSignal;
  readonly #owner: AssignmentOwner;
  readonly #controller = new AbortController();
  #epoch = 0;
  /** What the next fetch begins with; null before the first seek. */
  #fetchNext: number | null = null;
  #buffer: (readonly LogRecord[])[] = [];
  /** Records of the first batch of the buffer that were read already. */
  #taken = 0;
  #buffered_bytes = 0;
  /** Since when the handler has left a full buffer alone, or has had no position; monotonic. */
  #busySince: number;
  /** When the buffer was last read from, or became other than empty; monotonic. */
  #touchedAt = 0;
  #failure: Error | null = null;
  #done = false;
  #wake: (() => void) | null = null;

  constructor(owner: AssignmentOwner, topic: TopicName, partition: number) {
    this.#owner = owner;
    this.topic = topic;
    this.partition = partition;
    this.signal = this.#controller.signal;
    this.#busySince = owner.monotonic();
  }

  seek(offset: number): void {
    this.#epoch++;
    this.#fetchNext = offset;
    this.#buffer = [];
    this.#taken = 0;
    this.#buffered_bytes = 0;
    this.#failure = null;
    this.#wake?.();
    this.#owner.wakeFetcher();
  }

  async read(records_max: number): Promise<readonly LogRecord[]> {
    if (this.#fetchNext === null) throw new Error('seek() comes before the first read()');
    if (this.#wake !== null) throw new Error('read() was called while another read() was waiting');
    const epoch = this.#epoch;
    for (;;) {
      if (this.signal.aborted) throw new PartitionRevokedError(this.topic, this.partition);
      if (this.#epoch !== epoch) throw new ReadSupersededError(this.topic, this.partition);
      const records = this.#take(records_max);
      if (records !== null) return records;
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  /** Best effort, and never what decides where a reader begins. */
  commit(offset: number): void {
    if (!this.signal.aborted) this.#owner.commit(this.partition, offset);
  }

  revoke(): void {
    if (this.signal.aborted) return;
    this.#controller.abort();
    this.#buffer = [];
    this.#wake?.();
  }

  /** Where to fetch next; null when nothing is wanted: no position yet, enough in the buffer, or damage. */
  get wanted(): FetchPosition | null {
    if (this.#fetchNext === null || this.#full || this.#failure !== null) return null;
    if (this.signal.aborted || this.#done) return null;
    return { epoch: this.#epoch, offset: this.#fetchNext };
  }

  /** Since when nothing is wanted because the handler is busy; null while something is, or nothing ever will be. */
  get busySince(): number | null {
    if (this.#failure !== null || this.signal.aborted || this.#done) return null;
    return this.#fetchNext === null || this.#full ? this.#busySince : null;
  }

  /** Since when records have waited for a handler that does not ask; null when none do. */
  get neglectedSince(): number | null {
    return this.#buffer.length === 0 || this.signal.aborted ? null : this.#touchedAt;
  }

  /** The handler has ended: nothing is fetched for it any more. */
  end(): void {
    this.#done = true;
    this.#buffer = [];
  }

  get #full(): boolean {
    return this.#buffered_bytes >= BUFFER_BYTES_MAX;
  }

  /** What was fetched for `position`. */
  offer(position: FetchPosition, records: readonly LogRecord[], next: number, bytes: number): void {
    if (position.epoch !== this.#epoch || this.signal.aborted) return;
    if (position.offset !== this.#fetchNext) return; // a former leader and the new one gave both of it
    this.#fetchNext = next;
    if (records.length === 0) return;
    if (this.#buffer.length === 0) this.#touchedAt = this.#owner.monotonic();
    this.#buffer.push(records);
    this.#buffered_bytes += bytes;
    if (this.#full) this.#busySince = this.#owner.monotonic();
    this.#wake?.();
  }

  /** The partition cannot be read on from `position`: reads say so until the next seek. */
  fail(position: FetchPosition, error: Error): void {
    if (position.epoch !== this.#epoch || this.signal.aborted) return;
    this.#failure = error;
    this.#wake?.();
  }

  failOutOfRange(position: FetchPosition): void {
    this.fail(position, new OffsetOutOfRangeError(this.topic, this.partition, position.offset));
  }

  /** The oldest of the buffer, of as many fetches as it takes; null when it is empty. */
  #take(records_max: number): readonly LogRecord[] | null {
    if (this.#buffer.length === 0) return null;
    let records: readonly LogRecord[] = [];
    while (this.#buffer.length > 0 && records.length < records_max) {
      const batch = this.#buffer[0]!;
      const rest = this.#taken === 0 ? batch : batch.slice(this.#taken);
      const taken = rest.slice(0, records_max - records.length);
      records = records.length === 0 ? taken : [...records, ...taken];
      this.#taken += taken.length;
      if (this.#taken < batch.length) break;
      this.#buffer.shift();
      this.#taken = 0;
    }
    this.#touchedAt = this.#owner.monotonic();
    const wasFull = this.#full;
    if (this.#buffer.length === 0) this.#buffered_bytes = 0;
    else for (const { key, value } of records) this.#buffered_bytes -= key.length + value.length;
    if (this.#full) this.#busySince = this.#owner.monotonic();
    else if (wasFull) this.#owner.wakeFetcher();
    return records;
  }
}
