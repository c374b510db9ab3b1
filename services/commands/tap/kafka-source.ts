// The log of the cluster profile. Kafka is enough: an analyst needs no access to Cassandra or Redis, so the topic is found by
// its name.
import { type TopicLayout, topicOf } from '../../events/topics.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import { OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import { kafkaErrorOf } from '../../ports/log/kafka/kafka-client.ts';
import { KafkaEventLog } from '../../ports/log/kafka/kafka-event-log.ts';
import { protocolError } from '../../ports/log/kafka/kafkajs-internals.ts';
import { RecordBatchError } from '../../ports/log/kafka/record-batch.ts';
import { withAdmin } from '../../ports/log/kafka/topic-admin.ts';
import { type EventSource, SourceAwayError, SourceChangedError } from './event-source.ts';
import { BadInput, TapFailed } from './tap-error.ts';
import { chooseGeneration } from './topic-generation.ts';

export interface KafkaSourceOptions {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly prefix: string;
  /** The topic of an export that goes on; null: the newest. */
  readonly begun: string | null;
  readonly runtime: Runtime;
}

/** @throws BadInput when Kafka does not answer, or has no such topic */
export async function openKafkaSource({ brokers, prefix, begun, runtime }: KafkaSourceOptions): Promise<EventSource> {
  const { layout, newest } = await findLayout(brokers, prefix, begun);
  const log = new KafkaEventLog({ brokers, layout, runtime, logger: silentLogger, clientId: 'fanlog.tap' });
  const [topic, name] = [topicOf(layout, 'timeline'), `Kafka at ${brokers.join(', ')}`];
  const orSay = async <T>(partition: number, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      throw whatItMeans(error, { name, topic, partition });
    }
  };
  return {
    topic,
    newerTopic: newest === layout.generation ? null : topicOf({ ...layout, generation: newest }, 'timeline'),
    partitions: layout.partitions.timeline,
    sourcePartitions: layout.partitions.messages,
    name,
    range: (partition) =>
      orSay(partition, async () => ({
        start: await log.startOffset('timeline', partition),
        end: await log.endOffset('timeline', partition),
      })),
    read: (partition, offset, records_max) =>
      orSay(partition, () => log.readFrom('timeline', partition, offset, records_max)),
    close: () => log.close(),
  };
}

/** Answers of Kafka's that stay the same however often it is asked. */
const LASTING = new Set([
  'CORRUPT_MESSAGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

/** What is to be thrown: whether asking again may help, and for how long. */
export function whatItMeans(
  error: unknown,
  { name, topic, partition }: { readonly name: string; readonly topic: string; readonly partition: number },
): unknown {
  if (error instanceof OffsetOutOfRangeError || error instanceof RangeError) return error;
  const reason = reasonOf(error);
  const answer = kafkaErrorOf(error) ?? refusalIn(reason);
  if (error instanceof RecordBatchError || (answer !== null && LASTING.has(answer))) {
    return new TapFailed(`Partition ${partition} of ${topic} cannot be read: ${reason}.`, { cause: error });
  }
  if (answer === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new SourceChangedError(`${name} says that it has no topic ${topic}`, { cause: error });
  }
  return new SourceAwayError(`${name} does not answer: ${reason}`, { cause: error });
}

/** A fetch that was refused again and again is told with the number of the refusal only. */
function refusalIn(reason: string): string | null {
  const number = /Kafka answered (\d+)$/.exec(reason)?.[1];
  return number === undefined ? null : kafkaErrorOf(protocolError(Number(number)));
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/[.\s]*$/, '');
}

interface FoundLayout {
  readonly layout: TopicLayout;
  /** The greatest generation that is there. */
  readonly newest: number;
}

async function findLayout(brokers: readonly string[], prefix: string, begun: string | null): Promise<FoundLayout> {
  const stem = `${prefix}timeline.g`;
  const counted = await withAdmin({ brokers, logger: silentLogger }, async (admin) => {
    const topics = new Set(await admin.listTopics());
    const choice = chooseGeneration(topics, stem, begun);
    if (choice === null) return null;
    const partitionsOf = async (topic: string) => {
      const found = await admin.fetchTopicMetadata({ topics: [topic] });
      return found.topics[0]!.partitions.length;
    };
    const { generation } = choice;
    const names = { messages: `${prefix}messages.g${generation}`, timeline: `${stem}${generation}` };
    const timeline = await partitionsOf(names.timeline);
    const messages = topics.has(names.messages) ? await partitionsOf(names.messages) : timeline;
    return { ...choice, messages, timeline };
  }).catch((error: unknown) => {
    throw new BadInput(`Kafka (FANLOG_KAFKA: ${brokers.join(', ')}) does not answer: ${reasonOf(error)}.`);
  });
  if (counted === null) {
    throw new BadInput(
      `Kafka (FANLOG_KAFKA: ${brokers.join(', ')}) has no topic ${stem}1. Set the FANLOG_PREFIX that the servers have.`,
    );
  }
  const { generation, newest, messages, timeline } = counted;
  // How many `inbox` has does not matter here: it is never asked.
  return { layout: { generation, prefix, partitions: { messages, timeline, inbox: timeline } }, newest };
}
