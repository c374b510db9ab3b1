// Who leads which partition, and who has caught up, as one broker sees it. Which broker matters: one that is cut off
// goes on telling what it knew last.
import { connect } from 'node:net';
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs';

export interface PartitionView {
  readonly topic: string;
  readonly partition: number;
  /** Node id; -1: nobody leads. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

const CONNECTION_MS = 1_000;
const REQUEST_MS = 3_000;

/** Of all topics, those of Kafka's own too. Rejects when the broker gives no answer. */
export async function viewOf(address: string): Promise<readonly PartitionView[]> {
  const kafka = new Kafka({
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: CONNECTION_MS,
    requestTimeout: REQUEST_MS,
    retry: { retries: 0 },
    socketFactory: onlyTo(address),
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata();
    return topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionId, leader, replicas, isr }) => {
        return { topic: name, partition: partitionId, leader, replicas, inSync: isr };
      }),
    );
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** kafkajs talks to any broker that it has heard of: with these sockets, whomever it means, it gets this one. */
export function onlyTo(address: string): ISocketFactory {
  const [host, port] = address.split(':');
  return ({ onConnect }) => connect({ host: host!, port: Number(port) }, onConnect);
}
