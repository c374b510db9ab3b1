// The metadata request (version 7) and its reply: who leads each partition, and in which term of office (the leader
// epoch). kafkajs asks in version 6, which has no terms, so that nobody can tell an old answer from a new one; and it
// throws the whole answer away when one partition has no leader.
import { type ClusterMetadata, newDecoder, newEncoder, protocolError, type WireRequest } from './kafkajs-internals.ts';

/** Every Kafka from 2.1 to 4.x speaks it. */
const METADATA_VERSION = 7;
const METADATA_KEY = 3;
const NO_ERROR = 0;

export function metadataRequest(topics: readonly string[]): WireRequest<ClusterMetadata> {
  return {
    request: {
      apiKey: METADATA_KEY,
      apiVersion: METADATA_VERSION,
      apiName: 'Metadata',
      async encode() {
        const encoder = newEncoder(16 + topics.length * 32).writeInt32(topics.length);
        for (const topic of topics) encoder.writeString(topic);
        return encoder.writeBuffer(Buffer.of(0)); // a topic that is not there is not made
      },
    },
    response: {
      decode: async (raw) => decodeReply(raw),
      parse: async (decoded) => refuseMissingTopics(decoded as ClusterMetadata),
    },
  };
}

//   throttle 4, [node 4, host string, port 4, rack string], cluster string, controller 4, [error 2, topic string,
//   internal 1, [error 2, partition 4, leader 4, leader epoch 4, [replica 4], [in sync 4], [offline 4]]]
function decodeReply(raw: Buffer): ClusterMetadata {
  const reply = newDecoder(raw);
  reply.readInt32();
  return {
    brokers: reply.readArray(() => ({
      nodeId: reply.readInt32(),
      host: reply.readString()!,
      port: reply.readInt32(),
      rack: reply.readString(),
    })),
    clusterId: reply.readString(),
    controllerId: reply.readInt32(),
    topicMetadata: reply.readArray(() => ({
      topicErrorCode: reply.readInt16(),
      topic: reply.readString()!,
      isInternal: reply.readBoolean(),
      partitionMetadata: reply.readArray(() => ({
        partitionErrorCode: reply.readInt16(),
        partitionId: reply.readInt32(),
        leader: reply.readInt32(),
        leaderEpoch: reply.readInt32(),
        replicas: reply.readArray(() => reply.readInt32()),
        isr: reply.readArray(() => reply.readInt32()),
        offlineReplicas: reply.readArray(() => reply.readInt32()),
      })),
    })),
  };
}

/** A partition without a leader is no reason to know nothing of the others. */
function refuseMissingTopics(metadata: ClusterMetadata): ClusterMetadata {
  const missing = metadata.topicMetadata.find(({ topicErrorCode }) => topicErrorCode !== NO_ERROR);
  if (missing !== undefined) throw protocolError(missing.topicErrorCode);
  return metadata;
}
