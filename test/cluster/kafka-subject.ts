// A Kafka log of its own for each test: topics of a random generation, so that runs on one server never meet.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import type { TopicLayout } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import type { EventLog } from '../../services/ports/log/event-log.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { kafkaErrorOf } from '../../services/ports/log/kafka/kafka-client.ts';
import { KafkaEventLog, type KafkaEventLogOptions } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { DEVELOPMENT_TOPICS, wantedTopics } from '../../services/ports/log/kafka/topic-settings.ts';
import { type Subject, selfDriven } from '../contract/subject.ts';
import { serverOfThisRun } from './servers.ts';

/** `host:port` of each. */
export async function kafkaBrokers(): Promise<readonly string[]> {
  return (await serverOfThisRun('kafka')).split(',');
}

export function randomLayout(partitions = 4): TopicLayout {
  return {
    generation: randomInt(1_000_000, 2 ** 40),
    partitions: { messages: partitions, timeline: partitions, inbox: partitions },
  };
}

export class KafkaTopics {
  readonly layout: TopicLayout;
  readonly brokers: readonly string[];
  readonly #logs: KafkaEventLog[] = [];

  private constructor(brokers: readonly string[], layout: TopicLayout) {
    this.brokers = brokers;
    this.layout = layout;
  }

  static async create(layout = randomLayout()): Promise<KafkaTopics> {
    const brokers = await kafkaBrokers();
    await createTopics({ brokers, layout, logger: silentLogger, runtime: systemRuntime, profile: DEVELOPMENT_TOPICS });
    return new KafkaTopics(brokers, layout);
  }

  /** A log on these topics, as a process of its own would have it. */
  open(options: Partial<KafkaEventLogOptions> = {}): KafkaEventLog {
    const { brokers, layout } = this;
    const log = new KafkaEventLog({
      brokers,
      layout,
      runtime: systemRuntime,
      logger: silentLogger,
      ...options,
    });
    this.#logs.push(log);
    return log;
  }

  async remove(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.close()));
    const topics = wantedTopics(this.layout).map(({ name }) => name);
    // kafkajs deletes them, then sometimes cannot find them any more.
    await withAdmin({ brokers: this.brokers, logger: silentLogger }, (admin) => admin.deleteTopics({ topics })).catch(
      (error: unknown) => assert.equal(kafkaErrorOf(error), 'UNKNOWN_TOPIC_OR_PARTITION', String(error)),
    );
  }
}

export async function kafkaSubject(): Promise<Subject<EventLog>> {
  const topics = await KafkaTopics.create();
  return selfDriven(topics.open(), systemRuntime, () => topics.remove());
}
