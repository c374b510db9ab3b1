// The way to one broker: one request in flight, and what comes meanwhile goes together in the next.
//
//   push() ──▶ queue ──▶ at most one batch a partition, all of them in ONE request ──▶ each part's outcome
//
// A part that was not confirmed takes everything of its append that is still queued with it: were that to land without
// the part before it, readers that drop repeats by position would drop the repeat of the part too, and lose it.
import type { TopicName } from '../../../events/topics.ts';
import { sleep } from '../../../kernel/runtime.ts';
import type { NewRecord } from '../event-log.ts';
import { type KafkaClient, KafkaUnavailableError } from './kafka-client.ts';
import type { Broker } from './kafkajs-internals.ts';
import { type PartitionProduced, PRODUCE_KEY, PRODUCE_VERSION, produceRequest } from './produce-request.ts';
import { encodeRecordBatch } from './record-batch.ts';

/** A topic's `max.message.bytes` is 1 MiB by default, and is meant of a batch. */
export const BATCH_BYTES_MAX = 900 * 1024;
/** Sixteen partitions at 256 kB. A request is copied three times on its way out. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Between two requests. A request costs us and the broker 0.5 ms of CPU however little is in it; what comes within the pause
 * shares the next. The first after a quiet time does not wait.
 */
const PACE_MS = 2;

export type Outcome = 'written' | 'refused' | 'unknown';

/** What one append has for one partition, or a piece of it. */
export interface Part {
  readonly append: { readonly failed: boolean; settle(part: Part, outcome: Outcome, reason: string): void };
  readonly topic: TopicName;
  readonly partition: number;
  readonly records: readonly NewRecord[];
  readonly bytes: number;
}

export interface LaneOptions {
  readonly client: KafkaClient;
  readonly nodeId: string;
  readonly deadline_ms: number;
}

export class ProduceLane {
  readonly #options: LaneOptions;
  #queue: Part[] = [];
  #working: Promise<void> | null = null;
  /** Monotonic. */
  #requestAt = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  push(part: Part): void {
    this.#queue.push(part);
    // Not at once: what is appended in the same turn of the event loop goes together.
    this.#working ??= Promise.resolve()
      .then(() => this.#work())
      .finally(() => {
        this.#working = null;
      });
  }

  async idle(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  async #work(): Promise<void> {
    const { runtime } = this.#options.client;
    while (this.#queue.length > 0) {
      const rest_ms = this.#requestAt - runtime.monotonic();
      if (rest_ms > 0) await sleep(runtime, rest_ms);
      const parts = this.#take();
      if (parts.length === 0) continue;
      this.#requestAt = runtime.monotonic() + PACE_MS;
      const hung = await this.#request(parts);
      if (!hung) continue;
      const waiting = this.#queue;
      this.#queue = [];
      for (const part of waiting) part.append.settle(part, 'refused', 'the request before it was not answered');
    }
  }

  /** The oldest of the queue, in order: for each partition as much as one batch holds. */
  #take(): Part[] {
    const taken: Part[] = [];
    const kept: Part[] = [];
    const batches = new Map<string, number>();
    let bytes = 0;
    for (const part of this.#queue) {
      if (part.append.failed) {
        part.append.settle(part, 'refused', 'an earlier part of the append failed');
        continue;
      }
      const key = keyOf(part.topic, part.partition);
      const batch_bytes = batches.get(key) ?? 0;
      const fits = batch_bytes === 0 || batch_bytes + part.bytes <= BATCH_BYTES_MAX;
      if (!fits || (taken.length > 0 && bytes + part.bytes > REQUEST_BYTES_MAX)) {
        batches.set(key, Number.POSITIVE_INFINITY); // what follows in this partition waits behind it
        kept.push(part);
        continue;
      }
      batches.set(key, batch_bytes + part.bytes);
      bytes += part.bytes;
      taken.push(part);
    }
    this.#queue = kept;
    return taken;
  }

  /** Settles every part. Never rejects. True when the broker did not answer in time. */
  async #request(parts: readonly Part[]): Promise<boolean> {
    const { client, nodeId, deadline_ms } = this.#options;
    const startedAt = client.runtime.monotonic();
    let broker: Broker;
    try {
      broker = await client.broker(nodeId);
      const version = broker.versions[PRODUCE_KEY];
      if (version === undefined || version.minVersion > PRODUCE_VERSION || version.maxVersion < PRODUCE_VERSION)
        throw new KafkaUnavailableError(`broker ${nodeId} does not speak version ${PRODUCE_VERSION} of Produce`);
    } catch (error) {
      // Nothing was sent, so nothing was written.
      for (const part of parts) part.append.settle(part, 'refused', textOf(error));
      this.#refreshLeaders();
      return false;
    }
    const byPartition = groupByPartition(parts);
    const time = client.runtime.now();
    const batches = [...byPartition.values()].map((group) => ({
      topic: group[0]!.topic,
      partition: group[0]!.partition,
      batch: encodeRecordBatch(group.length === 1 ? group[0]!.records : group.flatMap(({ records }) => records), time),
    }));
    const request = produceRequest(batches, (topic) => client.topic(topic), deadline_ms);
    try {
      const reply = await client.call(() => broker.connectionPool.send(request), deadline_ms, broker);
      this.#settle(byPartition, reply);
      return false;
    } catch (error) {
      for (const part of parts) part.append.settle(part, 'unknown', textOf(error));
      this.#refreshLeaders();
      return client.runtime.monotonic() - startedAt >= deadline_ms;
    }
  }

  #settle(byPartition: ReadonlyMap<string, readonly Part[]>, reply: readonly PartitionProduced[]): void {
    const codes = new Map(reply.map(({ topic, partition, errorCode }) => [keyOf(topic, partition), errorCode]));
    let refresh = false;
    for (const group of byPartition.values()) {
      const { topic, partition } = group[0]!;
      const code = codes.get(keyOf(this.#options.client.topic(topic), partition));
      const outcome = outcomeOf(code);
      if (outcome !== 'written') refresh = true;
      const reason =
        code === undefined
          ? `the reply does not name ${topic}/${partition}`
          : `${topic}/${partition}: Kafka answered ${code}`;
      for (const part of group) part.append.settle(part, outcome, reason);
    }
    if (refresh) this.#refreshLeaders();
  }

  /** Perhaps another broker leads by now: the repeat is to find it. */
  #refreshLeaders(): void {
    this.#options.client.loadMetadata().catch(() => {});
  }
}

/**
 * Only what a leader checks before it writes is a refusal. NOT_LEADER (6) is none: a leader that wrote, and lost its
 * office while it waited for the others, answers the same.
 */
const REFUSED = new Set([
  2, // CORRUPT_MESSAGE
  10, // MESSAGE_TOO_LARGE
  17, // INVALID_TOPIC_EXCEPTION
  18, // RECORD_LIST_TOO_LARGE
  19, // NOT_ENOUGH_REPLICAS; 20 is the same after it was written
  29, // TOPIC_AUTHORIZATION_FAILED
  32, // INVALID_TIMESTAMP
  87, // INVALID_RECORD
]);

function outcomeOf(code: number | undefined): Outcome {
  if (code === 0) return 'written';
  return code !== undefined && REFUSED.has(code) ? 'refused' : 'unknown';
}

function groupByPartition(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const groups = new Map<string, Part[]>();
  for (const part of parts) {
    const key = keyOf(part.topic, part.partition);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [part]);
    else group.push(part);
  }
  return groups;
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
