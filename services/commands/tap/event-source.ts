// Where the tap reads: the topic `timeline`, outside any group, so that nobody's position is touched.
import type { LogRecord } from '../../ports/log/event-log.ts';

export interface EventSource {
  /** `timeline.g1`: whose offsets these are. */
  readonly topic: string;
  readonly partitions: number;
  /** Of `messages`, where the events were decided. */
  readonly sourcePartitions: number;
  /** For people: `the data folder ./data`. */
  readonly name: string;
  range(partition: number): Promise<{ readonly start: number; readonly end: number }>;
  /**
   * Records from `offset` on; none at the end.
   * @throws OffsetOutOfRangeError; SourceAwayError when asking again later may help
   */
  read(partition: number, offset: number, records_max: number): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

/** Nobody answers, for now. */
export class SourceAwayError extends Error {
  override readonly name = 'SourceAwayError';
}
