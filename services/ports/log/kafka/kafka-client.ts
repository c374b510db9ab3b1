// One view of the cluster and its connections: who leads a partition, and every call under a deadline.
//
// kafkajs keeps two connections a broker: fetches have one of their own, so that a fetch that waits for records holds
// up nothing else. A broker answers the requests of one connection in order. Who leads is asked on the second one too:
// on the first, an append waits for a follower that is just being missed, and the answer would come after it.
import { type TopicLayout, type TopicName, topicOf } from '../../../events/topics.ts';
import type { Logger } from '../../../kernel/logger.ts';
import type { Metrics } from '../../../kernel/metrics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import { BrokerChoice } from './broker-choice.ts';
import { type Broker, type Cluster, type Connection, createCluster, METADATA_CONNECTION } from './kafkajs-internals.ts';
import { metadataRequest } from './metadata-request.ts';
import { PartitionLeaders } from './partition-leaders.ts';

const CONNECT_MS = 3_000;
/** Anything but a produce, a fetch or a join. A broker answers these from memory. */
const CALL_MS = 5_000;
/** Sends wait for the answer, and another broker may have it. */
const METADATA_MS = 2_000;
const METADATA_ATTEMPTS = 2;
/** What was dropped ends within microtasks; should it not, nobody waits for it. */
const DROPPED_MS_MAX = 100;
const CLOSED = 'the log is closed';
/** A leader that is cut off from the others refuses nobody who reads: that it was replaced is to be learnt elsewhere. */
const METADATA_AGE_MS_MAX = 5_000;

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
  readonly #leaders = new PartitionLeaders();
  readonly #choice: BrokerChoice;
  /** What the leaders were last learnt from. */
  #learned: object | null = null;
  /** When metadata were last asked for; monotonic. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** The node that metadata are being asked of. */
  #asked: string | null = null;
  #loading: Promise<void> | null = null;
  #closed = false;

  constructor({ brokers, clientId, layout, runtime, logger, metrics, route }: KafkaClientOptions) {
    this.layout = layout;
    this.runtime = runtime;
    this.logger = logger;
    this.metrics = metrics;
    this.#choice = new BrokerChoice(runtime);
    const log = (level: string, message: string) => logger.debug(`kafkajs: ${message}`, { level, clientId });
    this.cluster = createCluster({
      brokers,
      clientId,
      connectionTimeout: CONNECT_MS,
      route: route ?? ((host, port) => ({ host, port })),
      metadataRequest,
      refuseSockets: () => (this.#closed ? CLOSED : null),
      choice: this.#choice,
      onAsked: (nodeId) => {
        this.#asked = nodeId;
      },
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
    if (metadata !== null && metadata !== this.#learned) {
      this.#learned = metadata;
      this.#leaders.learn(metadata);
    }
    return this.#leaders.leaderOf(this.topic(topic), partition);
  }

  /** Asks who leads what. One question at a time: who comes while it is under way shares its answer. */
  loadMetadata(): Promise<void> {
    this.#loading ??= this.#loadMetadata().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  /** Asks again when the last answer is old; true if so. Never rejects: what is known goes on holding. */
  async renewMetadata(): Promise<boolean> {
    if (this.runtime.monotonic() - this.#askedAt < METADATA_AGE_MS_MAX) return false;
    await this.loadMetadata().catch(() => {});
    return true;
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
    return this.#within(deadline_ms, ask, (error) => {
      if (broker !== undefined) this.#choice.suspect(String(broker.nodeId));
      this.drop(error, broker);
    });
  }

  #within<T>(deadline_ms: number, ask: () => Promise<T>, onLate: (error: Error) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new KafkaUnavailableError(CLOSED));
      const timer = this.runtime.setTimer(deadline_ms, () => {
        const error = new KafkaUnavailableError(`no answer in ${deadline_ms} ms`);
        reject(error);
        onLate(error);
      });
      ask()
        .then(resolve, (error: unknown) => reject(kafkaErrorOf(error) !== null ? error : unavailable(error)))
        .finally(() => timer.cancel());
    });
  }

  async #loadMetadata(): Promise<void> {
    const { brokerPool } = this.cluster;
    this.#askedAt = this.runtime.monotonic();
    for (let attempt = 1; ; attempt++) {
      // The address that is asked when no broker is known, or none answers.
      if (brokerPool.seedBroker === undefined) await brokerPool.createSeedBroker();
      if (this.#closed) throw new KafkaUnavailableError(CLOSED);
      const address = brokerPool.seedBroker;
      this.#asked = null;
      const onLate = (error: Error) => {
        const asked = brokerPool.brokers[this.#asked ?? ''];
        if (asked === undefined) this.drop(error);
        else dropConnection(asked.connectionPool.pool[METADATA_CONNECTION]!, error);
      };
      const asking = this.#askForMetadata();
      try {
        await this.#within(METADATA_MS, () => asking, onLate);
        return;
      } catch (error) {
        if (kafkaErrorOf(error) !== null || this.#closed) throw error;
        if (this.#asked !== null) this.#choice.suspect(this.#asked);
        else {
          await this.#settled(asking);
          // kafkajs takes the next address when one could not be connected to, and only then.
          if (brokerPool.seedBroker === address) await brokerPool.createSeedBroker();
        }
        if (attempt === METADATA_ATTEMPTS) throw error;
      }
    }
  }

  /** What was dropped ends at once, and does what it does then: so long nobody begins anew beside it. */
  #settled(asking: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.runtime.setTimer(DROPPED_MS_MAX, resolve);
      asking.then(resolve, () => resolve()).finally(() => timer.cancel());
    });
  }

  async #askForMetadata(): Promise<void> {
    const { cluster } = this;
    const { metadata } = cluster.brokerPool;
    if (metadata === null) await cluster.connect();
    const names = Object.keys(this.layout.partitions) as TopicName[];
    await cluster.addMultipleTargetTopics(names.map((name) => this.topic(name)));
    if (metadata !== null && metadata === cluster.brokerPool.metadata) await cluster.refreshMetadata();
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
    this.#closed = true;
    this.drop(new KafkaUnavailableError(CLOSED));
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
