// Where the tap reads: the topic `timeline`, outside any group, so that nobody's position is touched.
import type { LogRecord } from '../../ports/log/event-log.ts';

export interface EventSource {
  /** `timeline.g1`: whose offsets these are. */
  readonly topic: string;
  /** A topic of a greater generation that is there, too; null: there is none. */
  readonly newerTopic: string | null;
  readonly partitions: number;
  /** Of `messages`, where the events were decided. */
  readonly sourcePartitions: number;
  /** For people: `the data folder ./data`. */
  readonly name: string;
  /** @throws as `read`, but for OffsetOutOfRangeError */
  range(partition: number): Promise<{ readonly start: number; readonly end: number }>;
  /**
   * Records from `offset` on; none at the end.
   * @throws OffsetOutOfRangeError; SourceAwayError when asking again later may help; TapFailed when it does not
   */
  read(partition: number, offset: number, records_max: number): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

/** Nobody answers, for now. Its message is a sentence without its full stop. */
export class SourceAwayError extends Error {
  override readonly name: string = 'SourceAwayError';
}

/**
 * It answers, and what was read is not there. Brokers that have just started, or are just changing leaders, may say so for a
 * moment: it is waited for, but not for ever, with --follow neither.
 */
export class SourceChangedError extends SourceAwayError {
  override readonly name = 'SourceChangedError';
}
