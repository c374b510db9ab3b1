// Delivery streams in Redis: one a node, made and kept alive by the node that reads it. Publishers only add to a stream
// that is there, so a dead node's is found gone.
import type { Redis } from 'ioredis';
import type { Runtime } from '../../../kernel/runtime.ts';
import { connectRedis } from '../../sessions/redis/redis-connection.ts';
import { addressKey, type NodeAddress } from '../../sessions/session-registry.ts';
import type { DeliveryReader, DeliveryRecord, DeliveryStream } from '../delivery-stream.ts';
import { PublishLane, type PublishOutcome, weightOf } from './publish-lane.ts';
import { encodeRecords } from './record-codec.ts';
import { FIELD, StreamReader } from './stream-reader.ts';

export interface RedisDeliveryStreamSettings {
  /** `host:port` or `redis://...` */
  readonly endpoint: string;
  /** Before every key. */
  readonly prefix?: string;
  readonly entries_max?: number;
  /** What one entry takes of records that wait, by `weightOf`. */
  readonly entry_weight_max?: number;
  readonly expiry_ms?: number;
  readonly renew_ms?: number;
  readonly pause_ms?: number;
}

/**
 * 16 processors with 25 cycles a second each fill it in 20 s; of entries of 1 kB it takes 8 MiB, and usually holds those of
 * the last `renew_ms`.
 */
const ENTRIES_MAX = 8_192;
/** An edge that hangs longer has lost its sessions' heartbeats too. */
const EXPIRY_MS = 60_000;
const RENEW_MS = 5_000;
/** Beyond what a reader blocks for: then the server is away. */
const SILENCE_MS_MAX = 2_000;
/** 400 kB. More, and one holds the others up. */
const ENTRY_WEIGHT_MAX = 4_000;
/** Published and not acknowledged, of all streams, by `weightOf`: 64 MB or so. More is refused: these are hints. */
const WEIGHT_IN_FLIGHT_MAX = 640_000;

export class RedisDeliveryStream implements DeliveryStream {
  readonly #redis: Redis;
  readonly #runtime: Runtime;
  readonly #settings: RedisDeliveryStreamSettings;
  readonly #entries_max: number;
  readonly #readers = new Map<string, StreamReader>();
  readonly #lanes = new Map<string, PublishLane>();
  #inFlight = 0;

  private constructor(redis: Redis, runtime: Runtime, settings: RedisDeliveryStreamSettings) {
    this.#redis = redis;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#entries_max = settings.entries_max ?? ENTRIES_MAX;
  }

  static async open(settings: RedisDeliveryStreamSettings, runtime: Runtime): Promise<RedisDeliveryStream> {
    return new RedisDeliveryStream(await connectRedis(settings.endpoint), runtime, settings);
  }

  async open(
    address: NodeAddress,
    onRecords: (records: readonly DeliveryRecord[]) => void,
    onGap: () => void,
  ): Promise<DeliveryReader> {
    const key = this.#key(address);
    const { endpoint, expiry_ms = EXPIRY_MS, renew_ms = RENEW_MS, pause_ms = 0 } = this.#settings;
    const redis = await connectRedis(endpoint, { pipelined: false, silence_ms_max: renew_ms + SILENCE_MS_MAX });
    const settings = { key, entries_max: this.#entries_max, expiry_ms, renew_ms, pause_ms };
    const reader = new StreamReader(redis, this.#runtime, settings, onRecords, onGap);
    // An incarnation reads its stream once; opening again takes it over from a reader that was not closed.
    this.#readers.get(key)?.stop();
    this.#readers.set(key, reader);
    try {
      await reader.start();
    } catch (error) {
      reader.stop();
      if (this.#readers.get(key) === reader) this.#readers.delete(key);
      throw error;
    }
    return { close: () => this.#closeReader(key, reader) };
  }

  async publish(address: NodeAddress, records: readonly DeliveryRecord[]): Promise<PublishOutcome> {
    if (records.length === 0) return 'handed_over';
    if (this.#inFlight > WEIGHT_IN_FLIGHT_MAX) throw new Error('too many deliveries are on their way already');
    const weight = weightOf(records);
    this.#inFlight += weight;
    try {
      return await this.#lane(this.#key(address)).publish(records, weight);
    } finally {
      this.#inFlight -= weight;
    }
  }

  #lane(key: string): PublishLane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new PublishLane(
        this.#settings.entry_weight_max ?? ENTRY_WEIGHT_MAX,
        (records) => this.#add(key, records),
        () => this.#lanes.delete(key),
      );
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  async #add(key: string, records: readonly DeliveryRecord[]): Promise<PublishOutcome> {
    const trim = ['NOMKSTREAM', 'MAXLEN', '~', this.#entries_max] as const;
    const id = await this.#redis.xadd(key, ...trim, '*', FIELD, encodeRecords(records));
    return id === null ? 'gone' : 'handed_over';
  }

  async close(): Promise<void> {
    const closing = Array.from(this.#readers, ([key, reader]) => this.#closeReader(key, reader));
    await Promise.all(closing);
    this.#redis.disconnect();
  }

  /** The stream goes at once, so that its registrations do; without an answer, by its expiry. */
  async #closeReader(key: string, reader: StreamReader): Promise<void> {
    reader.stop();
    if (this.#readers.get(key) !== reader) return;
    this.#readers.delete(key);
    await this.#redis.unlink(key).catch(() => {});
  }

  #key(address: NodeAddress): string {
    return `${this.#settings.prefix ?? 'fanlog:'}delivery:${addressKey(address)}`;
  }
}
