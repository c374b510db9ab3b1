// The log of a data folder that another process may own, as an EventLog to be read: what that process appends is seen, at
// the next call, once it is on disk.
import type { TopicLayout, TopicName } from '../../../events/topics.ts';
import { AppendError, type EventLog, type LogRecord, type Subscription } from '../event-log.ts';
import type { LmdbEnvironment } from './open-environment.ts';
import { PartitionLog } from './partition-log.ts';

export class ReadOnlyEventLog implements EventLog {
  readonly layout: TopicLayout;
  readonly #table: LmdbEnvironment['log'];

  /** The environment is its opener's to close. */
  constructor({ log }: Pick<LmdbEnvironment, 'log'>, layout: TopicLayout) {
    this.layout = layout;
    this.#table = log;
  }

  append(): Promise<void> {
    return Promise.reject(new AppendError('refused', 'this log was opened for reading'));
  }

  subscribe(): Promise<Subscription> {
    return Promise.reject(new Error('a log that was opened for reading gives no partitions away'));
  }

  async endOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#partition(topic, partition).end;
  }

  async startOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#partition(topic, partition).start;
  }

  async readFrom(
    topic: TopicName,
    partition: number,
    offset: number,
    records_max: number,
  ): Promise<readonly LogRecord[]> {
    return this.#partition(topic, partition).read(offset, records_max);
  }

  trim(): Promise<void> {
    return Promise.reject(new Error('this log was opened for reading'));
  }

  async close(): Promise<void> {}

  // It knows what was stored when it was made: a new one each time.
  #partition(topic: TopicName, partition: number): PartitionLog {
    if (partition >= this.layout.partitions[topic]) throw new RangeError(`${topic} has no partition ${partition}`);
    this.#table.resetReadTxn();
    return new PartitionLog(this.#table, this.layout.generation, topic, partition);
  }
}
