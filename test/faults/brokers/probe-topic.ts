// A topic of a scenario's own, by which one broker can be asked whether it acknowledges: what is written to fanlog's
// topics must be fanlog's.
import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { withAdmin } from '../../../services/ports/log/kafka/topic-admin.ts';
import type { Broker, Brokers } from './brokers.ts';
import { onlyTo } from './partition-view.ts';

const ANSWER_MS_MAX = 2_000;
const IN_SYNC_MS_MAX = 30_000;
const ALL_REPLICAS = -1;

export class ProbeTopic {
  readonly #brokers: Brokers;
  readonly #name: string;

  private constructor(brokers: Brokers, name: string) {
    this.#brokers = brokers;
    this.#name = name;
  }

  /** With partitions for every broker to lead, and as many copies as fanlog's topics have. */
  static async create(brokers: Brokers): Promise<ProbeTopic> {
    const topic = `probe-${randomBytes(6).toString('hex')}`;
    const configEntries = [{ name: 'min.insync.replicas', value: '2' }];
    const numPartitions = brokers.nodes.length;
    await withAdmin({ brokers: brokers.kafka.split(','), logger: silentLogger }, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 3, configEntries }] }),
    );
    await brokers.untilInSync(IN_SYNC_MS_MAX);
    return new ProbeTopic(brokers, topic);
  }

  /** The partition that this broker leads, by its own word; null: none. */
  async partitionOf(broker: Broker): Promise<number | null> {
    const views = await this.#brokers.partitions(broker);
    return views.find(({ topic, leader }) => topic === this.#name && leader === broker.id)?.partition ?? null;
  }

  /** Whether this broker, and no other, acknowledges a record for one of its partitions; why not, otherwise. */
  async acknowledges(broker: Broker, partition: number): Promise<true | string> {
    const producer = new Kafka({
      brokers: [broker.address],
      logLevel: logLevel.NOTHING,
      connectionTimeout: ANSWER_MS_MAX,
      requestTimeout: ANSWER_MS_MAX * 2,
      retry: { retries: 0 },
      socketFactory: onlyTo(broker.address),
    }).producer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
    try {
      await producer.connect();
      const messages = [{ partition, value: 'are you still in office?' }];
      await producer.send({ topic: this.#name, acks: ALL_REPLICAS, timeout: ANSWER_MS_MAX, messages });
      return true;
    } catch (error) {
      return (error as Error).message;
    } finally {
      await producer.disconnect().catch(() => {});
    }
  }

  async remove(): Promise<void> {
    const { kafka } = this.#brokers;
    await withAdmin({ brokers: kafka.split(','), logger: silentLogger }, (admin) =>
      admin.deleteTopics({ topics: [this.#name] }),
    );
  }
}
