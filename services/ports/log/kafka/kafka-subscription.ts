// One member of a group and the handlers of the partitions it holds.
import type { TopicName } from '../../../events/topics.ts';
import { type PartitionAssignment, PartitionRevokedError, type Subscription } from '../event-log.ts';
import { GroupMember } from './group-member.ts';
import { type AssignmentOwner, KafkaAssignment } from './kafka-assignment.ts';
import type { KafkaClient } from './kafka-client.ts';
import type { OffsetRanges } from './offset-ranges.ts';
import { PartitionFetcher } from './partition-fetcher.ts';

/**
 * Heartbeats go on whatever a handler does, so a stuck one keeps its partition. It is told here, and not taken away: a
 * store that is down holds a handler up for as long, and would hold up the next owner's too.
 */
const NEGLECTED_MS = 60_000;

export type Handler = (assignment: PartitionAssignment) => Promise<void>;

export class KafkaSubscription implements Subscription, AssignmentOwner {
  readonly #client: KafkaClient;
  readonly #topic: TopicName;
  readonly #handler: Handler;
  readonly #fetcher: PartitionFetcher;
  readonly #member: GroupMember;
  #assignments: readonly KafkaAssignment[] = [];
  /** The handler that runs, or ran last, for each partition. */
  readonly #handlers = new Map<number, Promise<void>>();
  #closing: Promise<void> | null = null;
  #toldAt = 0;
  /** As the gauge knows them. */
  #neglected = 0;

  /** `client` is this subscription's own: a join holds its connection up, and closing closes it. */
  constructor(client: KafkaClient, offsets: OffsetRanges, topic: TopicName, group: string, handler: Handler) {
    this.#client = client;
    this.#topic = topic;
    this.#handler = handler;
    this.#fetcher = new PartitionFetcher(client, offsets, topic);
    this.#member = new GroupMember({
      client,
      topic: client.topic(topic),
      partitions: client.layout.partitions[topic],
      group: `${group}.${client.topic(topic)}`,
      assign: (partitions) => this.#assign(partitions),
      revoke: () => this.#revoke(),
      beat: () => this.#watch(),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  commit(partition: number, offset: number): void {
    this.#member.commit(partition, offset);
  }

  wakeFetcher(): void {
    this.#fetcher.wake();
  }

  monotonic(): number {
    return this.#client.runtime.monotonic();
  }

  #assign(partitions: readonly number[]): void {
    this.#assignments = partitions.map((partition) => new KafkaAssignment(this, this.#topic, partition));
    this.#fetcher.assign(this.#assignments);
    for (const assignment of this.#assignments) {
      const before = this.#handlers.get(assignment.partition) ?? Promise.resolve();
      this.#handlers.set(assignment.partition, this.#run(assignment, before));
    }
  }

  async #revoke(): Promise<void> {
    const assignments = this.#assignments;
    this.#assignments = [];
    this.#fetcher.assign([]);
    for (const assignment of assignments) assignment.revoke();
    this.#countNeglected(0);
    await Promise.all(this.#handlers.values());
  }

  #watch(): void {
    const { runtime, logger } = this.#client;
    const now = runtime.monotonic();
    const neglected = this.#assignments.filter(
      ({ neglectedSince }) => neglectedSince !== null && now - neglectedSince >= NEGLECTED_MS,
    );
    this.#countNeglected(neglected.length);
    if (now < this.#toldAt + NEGLECTED_MS) return;
    for (const { topic, partition, neglectedSince } of neglected) {
      this.#toldAt = now;
      logger.error('records wait for a handler that does not read', {
        topic,
        partition,
        waiting_ms: Math.round(now - neglectedSince!),
      });
    }
  }

  #countNeglected(count: number): void {
    this.#client.metrics.add('log_neglected', count - this.#neglected);
    this.#neglected = count;
  }

  /** Never rejects. The partition's former handler ends first. One that ends early leaves the partition stopped. */
  async #run(assignment: KafkaAssignment, before: Promise<void>): Promise<void> {
    await before;
    if (assignment.signal.aborted) return;
    try {
      await this.#handler(assignment);
    } catch (error) {
      if (!(error instanceof PartitionRevokedError)) {
        const { topic, partition } = assignment;
        this.#client.logger.error('a handler failed: its partition is stopped', {
          topic,
          partition,
          reason: String(error),
        });
      }
    } finally {
      assignment.end();
    }
  }

  async #close(): Promise<void> {
    this.#fetcher.stop();
    await this.#member.close();
    this.#client.close();
    await this.#fetcher.stopped();
    await this.#revoke();
  }
}
