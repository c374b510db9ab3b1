// The produce request (version 7) and its reply, partition by partition. kafkajs throws the first error of a reply away
// with everything else in it.
import type { TopicName } from '../../../events/topics.ts';
import { newEncoder, type WireRequest } from './kafkajs-internals.ts';

/** Every Kafka from 2.1 to 4.x speaks it. */
export const PRODUCE_VERSION = 7;
export const PRODUCE_KEY = 0;
const ALL_REPLICAS = -1;

export interface PartitionToProduce {
  readonly topic: TopicName;
  readonly partition: number;
  readonly batch: Buffer;
}

export interface PartitionProduced {
  /** As Kafka calls it: `messages.g1`. */
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
}

/** At most one batch a partition. @param timeout_ms how long the broker waits for the other replicas */
export function produceRequest(
  batches: readonly PartitionToProduce[],
  nameOf: (topic: TopicName) => string,
  timeout_ms: number,
): WireRequest<readonly PartitionProduced[]> {
  const byTopic = new Map<TopicName, PartitionToProduce[]>();
  let size = 100;
  for (const batch of batches) {
    size += batch.batch.length + 12;
    const same = byTopic.get(batch.topic);
    if (same === undefined) byTopic.set(batch.topic, [batch]);
    else same.push(batch);
  }
  return {
    request: {
      apiKey: PRODUCE_KEY,
      apiVersion: PRODUCE_VERSION,
      apiName: 'Produce',
      async encode() {
        const encoder = newEncoder(size).writeString(null).writeInt16(ALL_REPLICAS).writeInt32(timeout_ms);
        encoder.writeInt32(byTopic.size);
        for (const [topic, partitions] of byTopic) {
          encoder.writeString(nameOf(topic)).writeInt32(partitions.length);
          for (const { partition, batch } of partitions)
            encoder.writeInt32(partition).writeInt32(batch.length).writeBuffer(batch);
        }
        return encoder;
      },
    },
    response: {
      decode: async (raw) => decodeReply(raw),
      parse: async (decoded) => decoded as readonly PartitionProduced[],
    },
  };
}

//   [topic string, [partition 4, error 2, base offset 8, append time 8, start offset 8]] throttle 4
function decodeReply(raw: Buffer): PartitionProduced[] {
  const produced: PartitionProduced[] = [];
  let at = 4;
  for (let topics = raw.readInt32BE(0); topics > 0; topics--) {
    const nameEnd = at + 2 + raw.readInt16BE(at);
    const topic = raw.toString('utf8', at + 2, nameEnd);
    at = nameEnd + 4;
    for (let partitions = raw.readInt32BE(nameEnd); partitions > 0; partitions--) {
      produced.push({ topic, partition: raw.readInt32BE(at), errorCode: raw.readInt16BE(at + 4) });
      at += 30;
    }
  }
  return produced;
}
