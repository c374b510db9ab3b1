// Everything that stands in a cluster's topics, read outside any group: the truth that the rest is compared with.
import { CLUSTER_LAYOUT, type TopicLayout, type TopicName } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import type { LogRecord } from '../../../services/ports/log/event-log.ts';
import { KafkaEventLog } from '../../../services/ports/log/kafka/kafka-event-log.ts';
import type { LogToReplay } from '../../simulation/checker/replayed-log.ts';

const RECORDS_PER_READ = 10_000;

interface Partition {
  readonly number: number;
  readonly records: LogRecord[];
}

/** What a record is to whoever reads these contents. */
export type ReadRecord = (topic: TopicName, value: Uint8Array) => Uint8Array;

export class LogContents implements LogToReplay {
  readonly layout: TopicLayout;
  readonly #read: ReadRecord;
  readonly #log: KafkaEventLog;
  readonly #partitions = new Map<TopicName, readonly Partition[]>();

  /** `read`: for records that the code of this process does not know; as they stand there by default. */
  constructor(kafka: string, prefix: string, read: ReadRecord = (_, value) => value) {
    this.#read = read;
    this.layout = { ...CLUSTER_LAYOUT, prefix };
    const brokers = kafka.split(',');
    this.#log = new KafkaEventLog({ brokers, layout: this.layout, runtime: systemRuntime, logger: silentLogger });
    for (const [topic, count] of Object.entries(this.layout.partitions) as [TopicName, number][])
      this.#partitions.set(
        topic,
        Array.from({ length: count }, (_, number) => ({ number, records: [] })),
      );
  }

  partitions(topic: TopicName): readonly Partition[] {
    return this.#partitions.get(topic)!;
  }

  /** Reads what was appended since the last time. @throws KafkaUnavailableError */
  async readOn(): Promise<void> {
    for (const [topic, partitions] of this.#partitions)
      await Promise.all(partitions.map((partition) => this.#readPartition(topic, partition)));
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #readPartition(topic: TopicName, { number, records }: Partition): Promise<void> {
    for (;;) {
      const more = await this.#log.readFrom(topic, number, records.length, RECORDS_PER_READ);
      if (more.length === 0) return;
      for (const record of more) records.push({ ...record, value: this.#read(topic, record.value) });
    }
  }
}
