// One view of the cluster and its connections: who leads a partition, and every call under a deadline.
//
// kafkajs keeps two connections a broker: fetches have one of their own, so that a fetch that waits for records holds
// up nothing else. A broker answers the requests of one connection in order.
import { type TopicLayout, type TopicName, topicOf } from '../../../events/topics.ts';
import type { Logger } from '../../../kernel/logger.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import { type Broker, type Cluster, type Connection, createCluster } from './kafkajs-internals.ts';

const CONNECT_MS = 3_000;
/** Anything but a produce, a fetch or a join. A broker answers these from memory. */
const CALL_MS = 5_000;

/** The cluster gave no answer, or none that helps. Whatever was asked may or may not have been done. */
export class KafkaUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KafkaUnavailableError';
  }
}

export interface KafkaClientOptions {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly layout: TopicLayout;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Where a broker is reached, if not at the address it names: behind a tunnel or a proxy. */
  readonly route?: (host: string, port: number) => { readonly host: string; readonly port: number };
}

export class KafkaClient {
  readonly layout: TopicLayout;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly cluster: Cluster;
  #leaders = new Map<TopicName, readonly string[]>();
  #leadersOf: object | null = null;
  #loading: Promise<void> | null = null;
  #closed = false;

  constructor({ brokers, clientId, layout, runtime, logger, metrics, route }: KafkaClientOptions) {
    this.layout = layout;
    this.runtime = runtime;
    this.logger = logger;
    this.metrics = metrics;
    const log = (level: string, message: string) => logger.debug(`kafkajs: ${message}`, { level, clientId });
    this.cluster = createCluster({
      brokers,
      clientId,
      connectionTimeout: CONNECT_MS,
      route: route ?? ((host, port) => ({ host, port })),
      log,
    });
  }

  topic(name: TopicName): string {
    return topicOf(this.layout, name);
  }

  checkPartition(topic: TopicName, partition: number): void {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.layout.partitions[topic])
      throw new RangeError(`${topic} has no partition ${partition}`);
  }

  /** The leader's node id, by what was last heard; null when nothing is known: call `loadMetadata`. */
  leaderOf(topic: TopicName, partition: number): string | null {
    const { metadata } = this.cluster.brokerPool;
    if (metadata === null) return null;
    if (metadata !== this.#leadersOf) {
      this.#leadersOf = metadata;
      this.#leaders.clear();
    }
    let leaders = this.#leaders.get(topic);
    if (leaders === undefined) {
      const found: string[] = [];
      for (const { partitionId, leader } of this.cluster.findTopicPartitionMetadata(this.topic(topic)))
        if (leader >= 0) found[partitionId] = String(leader);
      leaders = found;
      this.#leaders.set(topic, leaders);
    }
    return leaders[partition] ?? null;
  }

  /** Asks who leads what. One question at a time: who comes while it is under way shares its answer. */
  loadMetadata(): Promise<void> {
    this.#loading ??= this.call(async () => {
      await this.cluster.connect();
      const names = Object.keys(this.layout.partitions) as TopicName[];
      const { metadata } = this.cluster.brokerPool;
      await this.cluster.addMultipleTargetTopics(names.map((name) => this.topic(name)));
      if (metadata !== null && metadata === this.cluster.brokerPool.metadata) await this.cluster.refreshMetadata();
    }).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** The broker that leads the partition, connected. @throws KafkaUnavailableError; nothing was asked of it then. */
  async leader(topic: TopicName, partition: number): Promise<Broker> {
    this.checkPartition(topic, partition);
    if (this.leaderOf(topic, partition) === null) await this.loadMetadata();
    const nodeId = this.leaderOf(topic, partition);
    if (nodeId === null) throw new KafkaUnavailableError(`${this.topic(topic)}/${partition} has no leader`);
    return this.broker(nodeId);
  }

  /** @param connection 0, or 1 for fetches; opened here, so that what fails later may have reached the broker. */
  broker(nodeId: string, connection: 0 | 1 = 0): Promise<Broker> {
    return this.call(async () => {
      const broker = await this.cluster.findBroker({ nodeId });
      await broker.connectionPool.getConnection(connection);
      return broker;
    });
  }

  /**
   * Runs `ask` under a deadline. One that passes it drops its connections (all of this client's, unless `broker` is
   * given): what hangs on them is rejected, and the next call finds fresh ones.
   * @throws KafkaUnavailableError, or what Kafka answered (kafkaErrorOf)
   */
  call<T>(ask: () => Promise<T>, deadline_ms = CALL_MS, broker?: Broker): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new KafkaUnavailableError('the log is closed'));
      const timer = this.runtime.setTimer(deadline_ms, () => {
        const error = new KafkaUnavailableError(`no answer in ${deadline_ms} ms`);
        reject(error);
        this.drop(error, broker);
      });
      ask()
        .then(resolve, (error: unknown) => reject(kafkaErrorOf(error) !== null ? error : unavailable(error)))
        .finally(() => timer.cancel());
    });
  }

  /** Closes connections at once, whatever is under way on them. */
  drop(error: Error, broker?: Broker): void {
    const { brokers, seedBroker } = this.cluster.brokerPool;
    const all = broker !== undefined ? [broker] : Object.values(brokers);
    if (broker === undefined && seedBroker !== undefined) all.push(seedBroker);
    for (const { connectionPool } of all)
      for (const connection of connectionPool.pool) dropConnection(connection, error);
  }

  close(): void {
    if (this.#closed) return;
    this.drop(new KafkaUnavailableError('the log is closed'));
    this.#closed = true;
  }
}

function unavailable(error: unknown): Error {
  if (error instanceof KafkaUnavailableError || error instanceof RangeError) return error;
  return new KafkaUnavailableError(error instanceof Error ? error.message : String(error), { cause: error });
}

function dropConnection(connection: Connection, error: Error): void {
  if (connection.socket === undefined || connection.socket.destroyed) return;
  // kafkajs hears of `end` and `error` only: it must be told before the socket goes.
  connection.rejectRequests(error);
  connection.disconnect().catch(() => {});
  connection.socket.destroy();
}

/** What Kafka calls the error, like `NOT_LEADER_FOR_PARTITION`; null when the error is not an answer of Kafka's. */
export function kafkaErrorOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('type' in error)) return null;
  return typeof error.type === 'string' ? error.type : null;
}
