// Fetches for the partitions of one subscription: one loop a broker, one fetch in flight in each.
//
// A fetch that finds nothing waits at the broker for a first record, and what becomes fetchable meanwhile has to wait
// with it. So while a partition is left out because its handler is busy, fetches wait no longer than it has been busy
// already: a quick handler loses next to nothing, a stuck one costs two fetches a second.
import type { TopicName } from '../../../events/topics.ts';
import { sleep } from '../../../kernel/runtime.ts';
import { FETCH_KEY, FETCH_VERSION, fetchRequest, type PartitionFetched } from './fetch-request.ts';
import type { FetchPosition, KafkaAssignment } from './kafka-assignment.ts';
import { type KafkaClient, KafkaUnavailableError } from './kafka-client.ts';
import type { OffsetRanges } from './offset-ranges.ts';
import { decodeRecordBatches, RecordBatchError } from './record-batch.ts';

const WAIT_MS_MAX = 500;
const WAIT_MS_MIN = 2;
/** More, and decoding it stalls the event loop for tens of milliseconds. */
const FETCH_BYTES_MAX = 1024 * 1024;
const PARTITION_BYTES_MAX = 256 * 1024;
/** Beyond the wait. A broker that is alive answers at once. */
const ANSWER_MS = 5_000;
const BACKOFF_MS_FIRST = 50;
const BACKOFF_MS_MAX = 1_000;

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;

export class PartitionFetcher {
  readonly #client: KafkaClient;
  readonly #offsets: OffsetRanges;
  readonly #topic: TopicName;
  readonly #assignments = new Map<number, KafkaAssignment>();
  readonly #loops = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #wakers: (() => void)[] = [];
  #finding: Promise<void> | null = null;

  constructor(client: KafkaClient, offsets: OffsetRanges, topic: TopicName) {
    this.#client = client;
    this.#offsets = offsets;
    this.#topic = topic;
  }

  /** Fetches for these from now on, and for no others. */
  assign(assignments: readonly KafkaAssignment[]): void {
    this.#assignments.clear();
    for (const assignment of assignments) this.#assignments.set(assignment.partition, assignment);
    this.wake();
  }

  wake(): void {
    if (this.#stop.signal.aborted) return;
    this.#startLoops();
    if (this.#missesLeader()) this.#findLeaders();
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }

  /** What is under way ends with the connections. */
  stop(): void {
    this.#assignments.clear();
    this.wake();
    this.#stop.abort();
  }

  /** After `stop`. */
  async stopped(): Promise<void> {
    await Promise.all([...this.#loops.values(), this.#finding]);
  }

  #missesLeader(): boolean {
    for (const partition of this.#assignments.keys())
      if (this.#client.leaderOf(this.#topic, partition) === null) return true;
    return false;
  }

  #startLoops(): void {
    for (const partition of this.#assignments.keys()) {
      const nodeId = this.#client.leaderOf(this.#topic, partition);
      if (nodeId === null || this.#loops.has(nodeId)) continue;
      const loop = this.#loop(nodeId).finally(() => {
        this.#loops.delete(nodeId);
        this.wake(); // it may have been given something again since it looked
      });
      this.#loops.set(nodeId, loop);
    }
  }

  /** Asks again and again until every partition has a leader. */
  #findLeaders(): void {
    this.#finding ??= (async () => {
      const { runtime } = this.#client;
      for (
        let pause_ms = BACKOFF_MS_FIRST;
        !this.#stop.signal.aborted;
        pause_ms = Math.min(BACKOFF_MS_MAX, pause_ms * 2)
      ) {
        await this.#client.loadMetadata().catch(() => {});
        if (!this.#missesLeader()) break;
        this.#startLoops();
        await sleep(runtime, pause_ms, this.#stop.signal);
      }
    })().finally(() => {
      this.#finding = null;
      this.wake();
    });
  }

  /** Never rejects. Ends when the broker leads none of the partitions any more. */
  async #loop(nodeId: string): Promise<void> {
    const { runtime, logger } = this.#client;
    let pause_ms = BACKOFF_MS_FIRST;
    while (!this.#stop.signal.aborted) {
      const own = this.#ownOf(nodeId);
      if (own.length === 0) return;
      void this.#client.renewMetadata().then((isNew) => isNew && this.wake());
      if (own.every(({ wanted }) => wanted === null)) await this.#woken();
      else {
        const ok = await this.#fetch(nodeId, own).catch((error: unknown) => {
          if (!this.#stop.signal.aborted)
            logger.warn('a fetch failed', { topic: this.#topic, broker: nodeId, reason: String(error) });
          return false;
        });
        if (ok) {
          pause_ms = BACKOFF_MS_FIRST;
          continue;
        }
        this.#findLeadersAnew();
        await sleep(runtime, pause_ms, this.#stop.signal);
        pause_ms = Math.min(BACKOFF_MS_MAX, pause_ms * 2);
      }
    }
  }

  #ownOf(nodeId: string): readonly KafkaAssignment[] {
    const own: KafkaAssignment[] = [];
    for (const assignment of this.#assignments.values()) {
      const leader = this.#client.leaderOf(this.#topic, assignment.partition);
      if (leader === nodeId) own.push(assignment);
      else if (leader === null) this.#findLeaders();
    }
    return own;
  }

  #findLeadersAnew(): void {
    this.#client.loadMetadata().then(
      () => this.wake(),
      () => this.wake(),
    );
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  /** False when some of it has to be asked again after a pause. */
  async #fetch(nodeId: string, own: readonly KafkaAssignment[]): Promise<boolean> {
    const client = this.#client;
    const broker = await client.broker(nodeId, 1);
    const version = broker.versions[FETCH_KEY];
    if (version === undefined || version.minVersion > FETCH_VERSION || version.maxVersion < FETCH_VERSION)
      throw new KafkaUnavailableError(`broker ${nodeId} does not speak version ${FETCH_VERSION} of Fetch`);
    const wanted = new Map<number, { assignment: KafkaAssignment; position: FetchPosition }>();
    for (const assignment of shuffled(own, client.runtime.random())) {
      const position = assignment.wanted;
      if (position !== null) wanted.set(assignment.partition, { assignment, position });
    }
    if (wanted.size === 0) return true;
    const wait_ms = this.#waitOf(own);
    const request = fetchRequest(
      client.topic(this.#topic),
      [...wanted].map(([partition, { position }]) => ({ partition, offset: position.offset })),
      { wait_ms, partition_bytes_max: PARTITION_BYTES_MAX, bytes_max: FETCH_BYTES_MAX },
    );
    const reply = await client.call(() => broker.connectionPool.send(request), wait_ms + ANSWER_MS, broker);
    let ok = reply.length > 0;
    for (const fetched of reply) {
      const asked = wanted.get(fetched.partition);
      if (asked !== undefined && !(await this.#take(asked.assignment, asked.position, fetched))) ok = false;
    }
    return ok;
  }

  #waitOf(own: readonly KafkaAssignment[]): number {
    const now = this.#client.runtime.monotonic();
    let wait_ms = WAIT_MS_MAX;
    for (const { busySince } of own)
      if (busySince !== null) wait_ms = Math.min(wait_ms, Math.max(WAIT_MS_MIN, now - busySince));
    return Math.round(wait_ms);
  }

  async #take(assignment: KafkaAssignment, position: FetchPosition, fetched: PartitionFetched): Promise<boolean> {
    if (fetched.errorCode === OFFSET_OUT_OF_RANGE) return this.#outOfRange(assignment, position);
    if (fetched.errorCode !== NO_ERROR) {
      const { topic, partition } = assignment;
      this.#client.logger.warn('a fetch failed', { topic, partition, reason: `Kafka answered ${fetched.errorCode}` });
      return false;
    }
    if (fetched.bytes.length === 0) return true;
    try {
      const { records, next } = decodeRecordBatches(fetched.bytes, position.offset);
      assignment.offer(position, records, next, fetched.bytes.length);
    } catch (error) {
      if (!(error instanceof RecordBatchError)) throw error;
      assignment.fail(position, error);
    }
    return true;
  }

  /** A leader that is new in office may not know its own end yet: only what the range says too is believed. */
  async #outOfRange(assignment: KafkaAssignment, position: FetchPosition): Promise<boolean> {
    const { start, end } = await this.#offsets.range(this.#topic, assignment.partition);
    if (position.offset >= start && position.offset <= end) return false;
    assignment.failOutOfRange(position);
    return true;
  }
}

/** From a random place on: a fetch is filled in the order asked, and nobody is to be last always. */
function shuffled<T>(items: readonly T[], random: number): readonly T[] {
  const first = Math.floor(random * items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}
