// Appends: splits them by the broker that leads each partition, bounds what waits, and puts the outcomes together.
import type { TopicName } from '../../../events/topics.ts';
import { type AppendBatch, AppendError, type NewRecord } from '../event-log.ts';
import type { KafkaClient } from './kafka-client.ts';
import { BATCH_BYTES_MAX, type Outcome, type Part, ProduceLane } from './produce-lane.ts';
import { recordSizeBound } from './record-batch.ts';

/** Bytes that wait for Kafka. It takes 100 MB/s and more; so many waiting mean that it is stuck. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

export class RecordProducer {
  readonly #client: KafkaClient;
  readonly #deadline_ms: number;
  readonly #waiting_bytes_max: number;
  readonly #lanes = new Map<string, ProduceLane>();
  readonly #appends = new Set<Promise<void>>();
  #waiting_bytes = 0;

  constructor(client: KafkaClient, deadline_ms: number, waiting_bytes_max = WAITING_BYTES_MAX) {
    this.#client = client;
    this.#deadline_ms = deadline_ms;
    this.#waiting_bytes_max = waiting_bytes_max;
  }

  async append(topic: TopicName, batches: readonly AppendBatch[]): Promise<void> {
    let bytes = 0;
    for (const { partition, records } of batches) {
      this.#client.checkPartition(topic, partition);
      for (const record of records) bytes += recordSizeBound(record);
    }
    if (bytes === 0) return;
    if (this.#waiting_bytes > 0 && this.#waiting_bytes + bytes > this.#waiting_bytes_max)
      throw new AppendError('refused', 'too many bytes wait for Kafka');
    this.#waiting_bytes += bytes;
    const appending = this.#append(topic, batches).finally(() => {
      this.#waiting_bytes -= bytes;
      this.#appends.delete(appending);
    });
    this.#appends.add(appending);
    return appending;
  }

  /** Resolves when every append taken so far has settled. Their deadlines bound it. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#appends);
  }

  async #append(topic: TopicName, batches: readonly AppendBatch[]): Promise<void> {
    if (batches.some(({ partition }) => this.#client.leaderOf(topic, partition) === null)) await this.#findLeaders();
    const parts: { readonly nodeId: string; readonly part: Part }[] = [];
    const append = new PendingAppend();
    for (const { partition, records } of batches) {
      const nodeId = this.#client.leaderOf(topic, partition);
      if (nodeId === null) throw new AppendError('refused', `${topic}/${partition} has no leader`);
      for (const piece of pieces(records)) parts.push({ nodeId, part: { append, topic, partition, ...piece } });
    }
    const settled = append.expect(parts.length);
    for (const { nodeId, part } of parts) this.#lane(nodeId).push(part);
    return settled;
  }

  async #findLeaders(): Promise<void> {
    try {
      await this.#client.loadMetadata();
    } catch (error) {
      throw new AppendError('refused', error instanceof Error ? error.message : String(error));
    }
  }

  #lane(nodeId: string): ProduceLane {
    let lane = this.#lanes.get(nodeId);
    if (lane === undefined) {
      lane = new ProduceLane({ client: this.#client, nodeId, deadline_ms: this.#deadline_ms });
      this.#lanes.set(nodeId, lane);
    }
    return lane;
  }
}

class PendingAppend {
  failed = false;
  #left = 0;
  #wrote = false;
  #unknown = false;
  #reason = '';
  #resolve!: () => void;
  #reject!: (error: AppendError) => void;

  expect(parts: number): Promise<void> {
    this.#left = parts;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  settle(_part: Part, outcome: Outcome, reason: string): void {
    if (outcome === 'written') this.#wrote = true;
    else {
      if (!this.failed) this.#reason = reason;
      this.failed = true;
      if (outcome === 'unknown') this.#unknown = true;
    }
    if (--this.#left > 0) return;
    if (!this.failed) this.#resolve();
    else this.#reject(new AppendError(this.#wrote || this.#unknown ? 'unknown' : 'refused', this.#reason));
  }
}

/** Batches of what one partition gets, none larger than Kafka takes unless a single record is. */
function* pieces(records: readonly NewRecord[]): Generator<{ records: readonly NewRecord[]; bytes: number }> {
  let start = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    const next = recordSizeBound(records[i]!);
    if (i > start && bytes + next > BATCH_BYTES_MAX) {
      yield { records: records.slice(start, i), bytes };
      start = i;
      bytes = 0;
    }
    bytes += next;
  }
  if (start < records.length) yield { records: start === 0 ? records : records.slice(start), bytes };
}
