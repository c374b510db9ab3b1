// The log of the cluster profile. Kafka is enough: an analyst needs no access to Cassandra or Redis, so the topic is found by
// its name, the newest generation of it.
import { type TopicLayout, topicOf } from '../../events/topics.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import { OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import { KafkaEventLog } from '../../ports/log/kafka/kafka-event-log.ts';
import { withAdmin } from '../../ports/log/kafka/topic-admin.ts';
import { type EventSource, SourceAwayError } from './event-source.ts';
import { BadInput } from './tap-error.ts';

export interface KafkaSourceOptions {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly runtime: Runtime;
}

/** @throws BadInput when Kafka does not answer, or has no such topic */
export async function openKafkaSource({ brokers, prefix, runtime }: KafkaSourceOptions): Promise<EventSource> {
  const layout = await findLayout(brokers, prefix);
  const log = new KafkaEventLog({ brokers, layout, runtime, logger: silentLogger, clientId: 'fanlog.tap' });
  return {
    topic: topicOf(layout, 'timeline'),
    partitions: layout.partitions.timeline,
    sourcePartitions: layout.partitions.messages,
    name: `Kafka at ${brokers.join(', ')}`,
    range: (partition) =>
      orAway(async () => ({
        start: await log.startOffset('timeline', partition),
        end: await log.endOffset('timeline', partition),
      })),
    read: (partition, offset, records_max) => orAway(() => log.readFrom('timeline', partition, offset, records_max)),
    close: () => log.close(),
  };
}

async function orAway<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OffsetOutOfRangeError || error instanceof RangeError) throw error;
    throw new SourceAwayError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

async function findLayout(brokers: readonly string[], prefix: string): Promise<TopicLayout> {
  const wanted = `${prefix}timeline.g`;
  const counted = await withAdmin({ brokers, logger: silentLogger }, async (admin) => {
    const topics = new Set(await admin.listTopics());
    const generation = Math.max(0, ...[...topics].map((topic) => generationIn(topic, wanted)));
    if (generation === 0) return null;
    const partitionsOf = async (topic: string) => {
      const found = await admin.fetchTopicMetadata({ topics: [topic] });
      return found.topics[0]!.partitions.length;
    };
    const names = { messages: `${prefix}messages.g${generation}`, timeline: `${wanted}${generation}` };
    const timeline = await partitionsOf(names.timeline);
    const messages = topics.has(names.messages) ? await partitionsOf(names.messages) : timeline;
    return { generation, messages, timeline };
  }).catch((error: unknown) => {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/[.\s]*$/, '');
    throw new BadInput(`Kafka (FANLOG_KAFKA: ${brokers.join(', ')}) does not answer: ${reason}.`);
  });
  if (counted === null) {
    throw new BadInput(
      `Kafka (FANLOG_KAFKA: ${brokers.join(', ')}) has no topic ${wanted}1. Set the FANLOG_PREFIX that the servers have.`,
    );
  }
  const { generation, messages, timeline } = counted;
  // How many `inbox` has does not matter here: it is never asked.
  return { generation, prefix, partitions: { messages, timeline, inbox: timeline } };
}

function generationIn(topic: string, wanted: string): number {
  const rest = topic.startsWith(wanted) ? topic.slice(wanted.length) : '';
  return /^[1-9][0-9]{0,3}$/.test(rest) ? Number(rest) : 0;
}
