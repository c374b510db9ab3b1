// Reads a partition and notices when records are missing: a client library may reset its position silently (R8).
//
// What it reads is for one set of tables: when that is replaced, a read that waits is given up.
import type { Metrics } from '../../kernel/metrics.ts';
import { TablesReplacedError } from '../store/live-tables.ts';
import {
  type EventLog,
  type LogRecord,
  OffsetOutOfRangeError,
  type PartitionAssignment,
  ReadSupersededError,
} from './event-log.ts';

/** A jump is answered by seeking back; one that stays is damage. */
const JUMPS_IN_A_ROW_MAX = 3;

/** The partition must not go on without an operator. */
export class PartitionStoppedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PartitionStoppedError';
  }
}

export class ContiguousReader {
  readonly #log: EventLog;
  readonly #assignment: PartitionAssignment;
  readonly #metrics: Metrics;
  readonly #replaced: AbortSignal;
  #expected: number;

  /** `offset`: the first record wanted. `replaced`: nothing more is. */
  constructor(log: EventLog, assignment: PartitionAssignment, metrics: Metrics, offset: number, replaced: AbortSignal) {
    this.#replaced = replaced;
    this.#log = log;
    this.#assignment = assignment;
    this.#metrics = metrics;
    this.#expected = offset;
    assignment.seek(offset);
  }

  /** The next records, at least one, each one's offset one above the last. @throws PartitionStoppedError, TablesReplacedError */
  async read(records_max: number): Promise<readonly LogRecord[]> {
    for (let jumps = 0; ; ) {
      const records = await this.#readOrStop(records_max);
      if (this.#isContiguous(records)) {
        this.#expected += records.length;
        return records;
      }
      this.#metrics.add('offset_jumps');
      jumps++;
      const { topic, partition } = this.#assignment;
      const start = await this.#log.startOffset(topic, partition);
      if (start > this.#expected || jumps === JUMPS_IN_A_ROW_MAX)
        throw new PartitionStoppedError(
          `${topic}/${partition}: record ${this.#expected} was expected, ${records[0]?.offset} came; the oldest is ${start}`,
        );
      this.#assignment.seek(this.#expected);
    }
  }

  async #readOrStop(records_max: number): Promise<readonly LogRecord[]> {
    if (this.#replaced.aborted) throw new TablesReplacedError();
    const giveUp = () => this.#assignment.seek(this.#expected);
    this.#replaced.addEventListener('abort', giveUp, { once: true });
    try {
      return await this.#assignment.read(records_max);
    } catch (error) {
      if (error instanceof ReadSupersededError && this.#replaced.aborted) throw new TablesReplacedError();
      if (error instanceof OffsetOutOfRangeError) throw new PartitionStoppedError(error.message, { cause: error });
      throw error;
    } finally {
      this.#replaced.removeEventListener('abort', giveUp);
    }
  }

  #isContiguous(records: readonly LogRecord[]): boolean {
    return records.every((record, i) => record.offset === this.#expected + i);
  }
}
