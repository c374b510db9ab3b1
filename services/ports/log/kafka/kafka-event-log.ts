// The log on Kafka. No idempotent producer, no transactions (R3): what is unknown is repeated, and readers drop repeats.
//
// Connections a broker: two for appends (and who leads), two for offsets and reads outside a group, two a subscription.
import type { TopicLayout, TopicName } from '../../../events/topics.ts';
import type { Logger } from '../../../kernel/logger.ts';
import { Metrics } from '../../../kernel/metrics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import {
  type AppendBatch,
  AppendError,
  type EventLog,
  type LogRecord,
  OffsetOutOfRangeError,
  type Subscription,
} from '../event-log.ts';
import { fetchRequest } from './fetch-request.ts';
import { KafkaClient, KafkaUnavailableError } from './kafka-client.ts';
import { type Handler, KafkaSubscription } from './kafka-subscription.ts';
import { OffsetRanges } from './offset-ranges.ts';
import { decodeRecordBatches } from './record-batch.ts';
import { RecordProducer } from './record-producer.ts';

const APPEND_DEADLINE_MS = 5_000;
const READ_BYTES_MAX = 1024 * 1024;
/** A read outside a group that meets a new leader asks again. */
const READ_ATTEMPTS = 3;

export interface KafkaEventLogOptions {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly layout: TopicLayout;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** How its groups are; without it nobody hears. */
  readonly metrics?: Metrics;
  /** Shown in Kafka's own logs and quotas. */
  readonly clientId?: string;
  /** A request that was not answered by then is unknown, and its connection is dropped. */
  readonly append_deadline_ms?: number;
  /** Bytes of appends that wait; beyond, they are refused. */
  readonly waiting_bytes_max?: number;
  /** Where a broker is reached, if not at the address it names: behind a tunnel or a proxy. */
  readonly route?: (host: string, port: number) => { readonly host: string; readonly port: number };
}

export class KafkaEventLog implements EventLog {
  readonly layout: TopicLayout;
  readonly #options: KafkaEventLogOptions;
  readonly #producer: RecordProducer;
  readonly #writer: KafkaClient;
  readonly #reader: KafkaClient;
  readonly #offsets: OffsetRanges;
  readonly #subscriptions = new Set<KafkaSubscription>();
  #closed = false;

  /** Connects when it is first used. */
  constructor(options: KafkaEventLogOptions) {
    this.#options = options;
    this.layout = options.layout;
    this.#writer = this.#client('appends');
    this.#reader = this.#client('reads');
    this.#offsets = new OffsetRanges(this.#reader);
    const deadline_ms = options.append_deadline_ms ?? APPEND_DEADLINE_MS;
    this.#producer = new RecordProducer(this.#writer, deadline_ms, options.waiting_bytes_max);
  }

  async append(topic: TopicName, batches: readonly AppendBatch[]): Promise<void> {
    if (this.#closed) throw new AppendError('refused', 'the log is closed');
    return this.#producer.append(topic, batches);
  }

  /**
   * To Kafka the group is `group.topic`, as in `fanlog.fanout.messages.g1`: members of two generations must not share.
   * Resolves at once: joining goes on, and is tried again, for as long as it takes.
   */
  async subscribe(topic: TopicName, group: string, handler: Handler): Promise<Subscription> {
    if (this.#closed) throw new Error('the log is closed');
    const subscription = new KafkaSubscription(this.#client(group), this.#offsets, topic, group, handler);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  endOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#offsets.end(topic, partition);
  }

  startOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#offsets.start(topic, partition);
  }

  async readFrom(
    topic: TopicName,
    partition: number,
    offset: number,
    records_max: number,
  ): Promise<readonly LogRecord[]> {
    for (let attempt = 1; ; attempt++) {
      const { errorCode, bytes } = await this.#fetch(topic, partition, offset);
      if (errorCode === 0) return decodeRecordBatches(bytes, offset).records.slice(0, records_max);
      const { start, end } = await this.#offsets.range(topic, partition);
      if (offset < start || offset > end) throw new OffsetOutOfRangeError(topic, partition, offset);
      if (attempt === READ_ATTEMPTS)
        throw new KafkaUnavailableError(`${topic}/${partition}: Kafka answered ${errorCode}`);
      await this.#reader.loadMetadata();
    }
  }

  trim(topic: TopicName, partition: number, offset: number): Promise<void> {
    return this.#offsets.trim(topic, partition, offset);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    await this.#producer.idle();
    this.#writer.close();
    this.#reader.close();
  }

  async #fetch(topic: TopicName, partition: number, offset: number): Promise<{ errorCode: number; bytes: Buffer }> {
    const leader = await this.#reader.leader(topic, partition);
    const request = fetchRequest(this.#reader.topic(topic), [{ partition, offset }], {
      wait_ms: 0,
      partition_bytes_max: READ_BYTES_MAX,
      bytes_max: READ_BYTES_MAX,
    });
    const [fetched] = await this.#reader.call(() => leader.connectionPool.send(request));
    if (fetched === undefined) throw new KafkaUnavailableError(`the reply does not name ${topic}/${partition}`);
    return fetched;
  }

  #client(purpose: string): KafkaClient {
    const { clientId = 'fanlog', metrics = new Metrics(), ...options } = this.#options;
    return new KafkaClient({ ...options, metrics, clientId: `${clientId}.${purpose}` });
  }
}
