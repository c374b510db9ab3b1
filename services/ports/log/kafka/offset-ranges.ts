// Where partitions begin and end, and cutting off their beginning.
import type { TopicName } from '../../../events/topics.ts';
import { type KafkaClient, KafkaUnavailableError, kafkaErrorOf } from './kafka-client.ts';
import type { Broker } from './kafkajs-internals.ts';

const LATEST = -1;
const EARLIEST = -2;
const READ_UNCOMMITTED = 0;

export class OffsetRanges {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  async range(topic: TopicName, partition: number): Promise<{ start: number; end: number }> {
    // Start first: what is trimmed between the two is then out of range, never the other way round.
    const start = await this.start(topic, partition);
    return { start, end: await this.end(topic, partition) };
  }

  start(topic: TopicName, partition: number): Promise<number> {
    return this.#offsetAt(topic, partition, EARLIEST);
  }

  end(topic: TopicName, partition: number): Promise<number> {
    return this.#offsetAt(topic, partition, LATEST);
  }

  async trim(topic: TopicName, partition: number, offset: number): Promise<void> {
    if (offset <= (await this.start(topic, partition))) return;
    await this.#ask(topic, partition, (broker) =>
      broker.deleteRecords({
        topics: [{ topic: this.#client.topic(topic), partitions: [{ partition, offset: String(offset) }] }],
      }),
    );
  }

  async #offsetAt(topic: TopicName, partition: number, timestamp: number): Promise<number> {
    const { responses } = await this.#ask(topic, partition, (broker) =>
      broker.listOffsets({
        isolationLevel: READ_UNCOMMITTED,
        topics: [{ topic: this.#client.topic(topic), partitions: [{ partition, timestamp }] }],
      }),
    );
    const found = responses[0]?.partitions.find((answer) => answer.partition === partition);
    if (found === undefined) throw new KafkaUnavailableError(`the reply does not name ${topic}/${partition}`);
    return Number(found.offset);
  }

  /** Asks the leader, and once more if it was the wrong one. */
  async #ask<T>(topic: TopicName, partition: number, question: (broker: Broker) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        void this.#client.renewMetadata();
        const broker = await this.#client.leader(topic, partition);
        return await this.#client.call(() => question(broker));
      } catch (error) {
        const stale = kafkaErrorOf(error) !== null || error instanceof KafkaUnavailableError;
        if (attempt === 2 || !stale) throw error;
        await this.#client.loadMetadata();
      }
    }
  }
}
