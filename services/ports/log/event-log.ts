// The log: ordered, durable, the only source of truth. Adapters: embedded/ (lmdb), kafka/. Contract: test/contract/event-log.ts.
import type { TopicLayout, TopicName } from '../../events/topics.ts';

export interface LogRecord {
  /** Contiguous from 0 inside a partition; a reader treats a jump as damage (R8). */
  readonly offset: number;
  /** Milliseconds since 1970, stamped by the log at append, by the log's clock: it may step back or forth. */
  readonly appendTime: number;
  /** The conversation, or whatever the record was routed by. */
  readonly key: string;
  readonly value: Uint8Array;
}

export interface NewRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface AppendBatch {
  readonly partition: number;
  /** In the order they are to stand. The bytes must not change until the append has settled. */
  readonly records: readonly NewRecord[];
}

/** An append that was not confirmed. */
export class AppendError extends Error {
  /** `refused`: nothing was written. `unknown`: all, some or none was, now or later. Repeat it; readers drop repeats. */
  readonly outcome: 'refused' | 'unknown';
  constructor(outcome: 'refused' | 'unknown', message: string) {
    super(message);
    this.name = 'AppendError';
    this.outcome = outcome;
  }
}

/** A partition was taken away from this reader: throw its cached state away, do nothing more in its name. */
export class PartitionRevokedError extends Error {
  constructor(topic: string, partition: number) {
    super(`${topic}/${partition} was taken away`);
    this.name = 'PartitionRevokedError';
  }
}

/** The reader went elsewhere (`seek`) while this read was waiting. */
export class ReadSupersededError extends Error {
  constructor(topic: string, partition: number) {
    super(`a read of ${topic}/${partition} was given up for a seek`);
    this.name = 'ReadSupersededError';
  }
}

/** The record a reader wants was trimmed, or never existed: an operator's matter (R8). */
export class OffsetOutOfRangeError extends Error {
  constructor(topic: string, partition: number, offset: number) {
    super(`${topic}/${partition} has no record ${offset}`);
    this.name = 'OffsetOutOfRangeError';
  }
}

/** One partition in the hands of one member of a group, until `signal` aborts. Another member may believe the same. */
export interface PartitionAssignment {
  readonly topic: TopicName;
  readonly partition: number;
  /** Aborts when the partition is taken away or the subscription closes. */
  readonly signal: AbortSignal;
  /**
   * The next `read` begins at this offset. Must be called once before the first read: our checkpoint leads.
   * A read that is still waiting is given up: it rejects with ReadSupersededError.
   */
  seek(offset: number): void;
  /**
   * The next records in order, at least one, at most `records_max`; waits until there are some. Never two calls at once.
   * @throws PartitionRevokedError when the partition was taken away, OffsetOutOfRangeError when the record is gone.
   */
  read(records_max: number): Promise<readonly LogRecord[]>;
  /** Tells lag tools that all before `offset` is done. Best effort; we resume from our own checkpoint. */
  commit(offset: number): void;
}

export interface Subscription {
  /** Leaves the group. Resolves when every handler has returned. */
  close(): Promise<void>;
}

export interface EventLog {
  readonly layout: TopicLayout;

  /**
   * Appends each batch in order to its partition. Resolves when all of it is durable (the disk has it, or acks=all);
   * the reply was checked for every partition. Two appends under way at once may land in either order: who needs an
   * order keeps one in flight.
   * @throws AppendError
   */
  append(topic: TopicName, batches: readonly AppendBatch[]): Promise<void>;

  /**
   * Joins `group` as one member. `handler` is called for each partition handed to this member and runs until the
   * assignment's signal aborts; if it returns or throws earlier, the partition stays stopped in this member.
   */
  subscribe(
    topic: TopicName,
    group: string,
    handler: (assignment: PartitionAssignment) => Promise<void>,
  ): Promise<Subscription>;

  /** The offset the next record of the partition will get, as far as readers can see (durable records only). */
  endOffset(topic: TopicName, partition: number): Promise<number>;
  /** The oldest offset still there; equals endOffset when the partition is empty. */
  startOffset(topic: TopicName, partition: number): Promise<number>;
  /** Records from `offset` on, outside any group: at most `records_max`, none at the end. @throws OffsetOutOfRangeError */
  readFrom(topic: TopicName, partition: number, offset: number, records_max: number): Promise<readonly LogRecord[]>;
  /** Drops every record below `offset`. */
  trim(topic: TopicName, partition: number, offset: number): Promise<void>;

  close(): Promise<void>;
}
