// Which partitions a stage of this process holds, and how far it is in each: for readiness, and for the lag.
import type { TopicName } from '../../events/topics.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import type { PartitionAssignment } from './event-log.ts';

/** One partition, from being handed to this process until its handler has ended. */
export class OwnedPartition {
  readonly topic: TopicName;
  readonly partition: number;
  /** Monotonic. */
  readonly takenAt: number;
  /** The first offset that is not processed; null until the checkpoint is read. */
  next: number | null = null;
  /** When the log stamped the last record processed; before there is one, when the partition was taken. Wall clock. */
  processedUpTo: number;

  constructor({ topic, partition }: PartitionAssignment, runtime: Runtime) {
    this.topic = topic;
    this.partition = partition;
    this.takenAt = runtime.monotonic();
    this.processedUpTo = runtime.now();
  }

  advance(next: number, appendTime: number): void {
    this.next = next;
    this.processedUpTo = appendTime;
  }
}

export class OwnedPartitions {
  readonly #runtime: Runtime;
  readonly #owned = new Set<OwnedPartition>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  take(assignment: PartitionAssignment): OwnedPartition {
    const owned = new OwnedPartition(assignment, this.#runtime);
    this.#owned.add(owned);
    return owned;
  }

  give(owned: OwnedPartition): void {
    this.#owned.delete(owned);
  }

  /** In the order of their numbers. */
  list(): readonly OwnedPartition[] {
    return [...this.#owned].sort((a, b) => a.partition - b.partition);
  }
}
