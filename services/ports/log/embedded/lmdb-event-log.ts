// The log on lmdb. Appends are gathered while the previous group is being flushed; each group is one transaction and,
// per partition, one value (record-batch.ts). One group is under way at a time: a group that fails leaves no hole.
import type { TopicLayout, TopicName } from '../../../events/topics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import {
  type AppendBatch,
  AppendError,
  type EventLog,
  type LogRecord,
  type NewRecord,
  type PartitionAssignment,
  type Subscription,
} from '../event-log.ts';
import { Commits } from './commits.ts';
import { ConsumerGroup } from './consumer-group.ts';
import type { LmdbEnvironment, Table } from './open-environment.ts';
import { PartitionLog, type RecentBatch } from './partition-log.ts';
import { encodeBatch, sizeBound } from './record-batch.ts';

/**
 * Bytes that wait for the disk. At 100 MB/s they are gone in well under a second; more means that the disk is stuck.
 * Looked at before an append is added, however large: beside small ones a large one would never find room for itself.
 */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of one lmdb value: what a reader that fell behind decodes at a time. */
const BATCH_BYTES_MAX = 512 * 1024;
/** Bytes of recent records in memory, all partitions together: seconds of a busy node, so that readers spare the disk. */
const TAIL_BYTES_MAX = 32 * 1024 * 1024;
/** What a batch costs in memory besides its bytes. */
const TAIL_BATCH_BYTES = 300;

interface WaitingAppend {
  readonly batches: readonly {
    readonly log: PartitionLog;
    readonly records: readonly NewRecord[];
    readonly bytes: number;
  }[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: AppendError) => void;
}

/** What one group adds to one partition. */
interface Addition {
  readonly log: PartitionLog;
  pending: NewRecord[];
  pending_bytes: number;
  next: number;
  readonly batches: RecentBatch[];
  bytes: number;
}

export class LmdbEventLog implements EventLog {
  readonly layout: TopicLayout;
  readonly #table: Table;
  readonly #runtime: Runtime;
  readonly #partitions: { readonly [T in TopicName]: readonly PartitionLog[] };
  readonly #groups = new Map<string, ConsumerGroup>();
  #waiting: WaitingAppend[] = [];
  #waiting_bytes = 0;
  #writing: Promise<void> | null = null;
  #closed = false;
  /** A write failed and yet is on disk: only reading everything anew, by a restart, makes sense of it. */
  #damaged = false;
  /** Which partitions the batches in memory belong to, oldest first. */
  readonly #tail: { readonly log: PartitionLog; readonly count: number; readonly bytes: number }[] = [];
  #tail_bytes = 0;

  constructor(environment: LmdbEnvironment, layout: TopicLayout, runtime: Runtime) {
    this.layout = layout;
    this.#table = environment.log;
    this.#runtime = runtime;
    const partitionsOf = (topic: TopicName) =>
      Array.from({ length: layout.partitions[topic] }, (_, partition) => {
        return new PartitionLog(environment.log, layout.generation, topic, partition);
      });
    this.#partitions = {
      messages: partitionsOf('messages'),
      timeline: partitionsOf('timeline'),
      inbox: partitionsOf('inbox'),
    };
  }

  append(topic: TopicName, batches: readonly AppendBatch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new AppendError('refused', 'the log is closed');
      if (this.#damaged) throw new AppendError('refused', 'a write failed half-way; restart the process');
      let bytes = 0;
      const checked = batches.map(({ partition, records }) => {
        let batchBytes = 0;
        for (const record of records) batchBytes += sizeBound(record);
        bytes += batchBytes;
        return { log: this.#partition(topic, partition), records, bytes: batchBytes };
      });
      if (this.#waiting_bytes >= WAITING_BYTES_MAX) {
        throw new AppendError('refused', 'too many bytes wait for the disk');
      }
      this.#waiting_bytes += bytes;
      this.#waiting.push({ batches: checked, bytes, resolve, reject });
      // The group is closed after this turn's other callbacks of the same microtask queue have had their say.
      this.#writing ??= Promise.resolve().then(() => this.#writeGroups());
    });
  }

  async subscribe(
    topic: TopicName,
    group: string,
    handler: (assignment: PartitionAssignment) => Promise<void>,
  ): Promise<Subscription> {
    if (this.#closed) throw new Error('the log is closed');
    const name = `${topic}/${group}`;
    let members = this.#groups.get(name);
    if (members === undefined) {
      members = new ConsumerGroup(this.#partitions[topic]);
      this.#groups.set(name, members);
    }
    return members.join(handler);
  }

  async endOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#partition(topic, partition).end;
  }

  async startOffset(topic: TopicName, partition: number): Promise<number> {
    return this.#partition(topic, partition).start;
  }

  async readFrom(
    topic: TopicName,
    partition: number,
    offset: number,
    records_max: number,
  ): Promise<readonly LogRecord[]> {
    return this.#partition(topic, partition).read(offset, records_max);
  }

  trim(topic: TopicName, partition: number, offset: number): Promise<void> {
    return this.#partition(topic, partition).trim(offset);
  }

  /** Waits for handlers and for what was appended. The environment stays open: the store may still need it. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    while (this.#writing !== null) await this.#writing;
  }

  #partition(topic: TopicName, partition: number): PartitionLog {
    const log = this.#partitions[topic][partition];
    if (log === undefined) throw new RangeError(`${topic} has no partition ${partition}`);
    return log;
  }

  async #writeGroups(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#writeGroup(group);
        for (const append of group) append.resolve();
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        for (const append of group) append.reject(new AppendError('unknown', `the disk did not take it: ${reason}`));
      }
      for (const append of group) this.#waiting_bytes -= append.bytes;
    }
    this.#writing = null;
  }

  async #writeGroup(group: readonly WaitingAppend[]): Promise<void> {
    const additions = new Map<PartitionLog, Addition>();
    const appendTime = this.#runtime.now();
    const commits = new Commits();
    const write = (addition: Addition) => {
      if (addition.pending.length === 0) return;
      const { next, pending } = addition;
      const bytes = encodeBatch(appendTime, pending, addition.pending_bytes);
      commits.add(this.#table.put(addition.log.keys.at(next), bytes));
      addition.batches.push({ base: next, count: pending.length, bytes });
      addition.next += pending.length;
      addition.bytes += bytes.length + TAIL_BATCH_BYTES;
      addition.pending = [];
      addition.pending_bytes = 0;
    };
    for (const append of group) {
      for (const { log, records, bytes } of append.batches) {
        let addition = additions.get(log);
        if (addition === undefined) {
          addition = { log, pending: [], pending_bytes: 0, next: log.end, batches: [], bytes: 0 };
          additions.set(log, addition);
        }
        if (addition.pending_bytes + bytes > BATCH_BYTES_MAX) write(addition);
        for (const record of records) addition.pending.push(record);
        addition.pending_bytes += bytes;
      }
    }
    for (const addition of additions.values()) write(addition);
    try {
      // All puts of one turn are one transaction.
      await commits.settled();
    } catch (error) {
      // What is on disk, not what this process saw last.
      this.#table.resetReadTxn();
      for (const { log } of additions.values()) this.#damaged ||= log.storedEnd() !== log.end;
      throw error;
    }
    for (const addition of additions.values()) {
      addition.log.flushed(addition.batches);
      this.#remember(addition);
    }
  }

  /** Keeps the memory of recent records within its bound, oldest out first. */
  #remember({ log, batches, bytes }: Addition): void {
    this.#tail.push({ log, count: batches.length, bytes });
    this.#tail_bytes += bytes;
    let gone = 0;
    while (this.#tail_bytes > TAIL_BYTES_MAX) {
      const oldest = this.#tail[gone++]!;
      this.#tail_bytes -= oldest.bytes;
      oldest.log.forget(oldest.count);
    }
    if (gone > 0) this.#tail.splice(0, gone);
  }
}
