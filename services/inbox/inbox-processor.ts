// One partition of `inbox` in the hands of this process: the materializer. Gives every entry its place in its
// recipient's inbox, writes the row, and tells the recipient where it is connected.
//
// The order of effects (R6):
//
//   drop repeats, number ─▶ inbox rows + memberships ─▶ hints
//                                    └─ each second ─▶ heads ─▶ checkpoint (offset and sources as one pair)
//
// It differs from the fanout's order on purpose. There a row says what is durable and guards against a second decision;
// here the head row is written behind, and a user's entries above it are written again with the same numbers.
import { decodeInboxRecord, UnreadableRecordError } from '../events/codec.ts';
import type { InboxCanary, InboxEntries, InboxRecord } from '../events/inbox-records.ts';
import { type Position, positionOf } from '../events/position.ts';
import { Breather } from '../kernel/breather.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import { type Metrics, Moments } from '../kernel/metrics.ts';
import { retryInPlace } from '../kernel/retry.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { DeliveryStream, Recipient } from '../ports/delivery/delivery-stream.ts';
import { PendingHints } from '../ports/delivery/pending-hints.ts';
import { ContiguousReader, PartitionStoppedError } from '../ports/log/contiguous-reader.ts';
import type { EventLog, LogRecord, PartitionAssignment } from '../ports/log/event-log.ts';
import { FlushSchedule } from '../ports/log/flush-schedule.ts';
import type { OwnedPartition } from '../ports/log/owned-partitions.ts';
import { refuseEmptiedTables } from '../ports/log/refuse-emptied-tables.ts';
import type { SessionRegistry } from '../ports/sessions/session-registry.ts';
import { type TablesInForce, TablesReplacedError } from '../ports/store/live-tables.ts';
import { type InboxRow, type MembershipRow, StoreError } from '../ports/store/state-store.ts';
import { answerCanaries } from './answer-canaries.ts';
import { deliverEntries, type WrittenEntry } from './deliver-entries.ts';
import { type InboxHead, inboxHeadFrom, type Sources, takeInboxSeq, takeSource } from './fold-inbox.ts';

export interface InboxSettings {
  /** Records read at once. */
  readonly slice_records_max: number;
  /** Rows written by one call: 4 records of a full group, some 10 ms of work. */
  readonly slice_rows_max: number;
  readonly flush_interval_ms: number;
  /** Heads kept in memory a partition; about 150 bytes each. */
  readonly heads_cached_max: number;
  /** Slices whose hints may be under way; more would let rows run ahead of what anybody sees. */
  readonly hints_pending_max: number;
}

export const INBOX_SETTINGS: InboxSettings = {
  slice_records_max: 1_000,
  slice_rows_max: 2_000,
  flush_interval_ms: limits.flush_interval_ms,
  heads_cached_max: 250_000,
  hints_pending_max: 16,
};

export interface InboxDependencies {
  readonly name: string;
  readonly runtime: Runtime;
  readonly log: EventLog;
  /** The set of tables that this run is bound to. */
  readonly tables: TablesInForce;
  readonly registry: SessionRegistry;
  readonly delivery: DeliveryStream;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly settings?: Partial<InboxSettings>;
}

/** Work at a stretch before sockets and timers get their turn. */
const TURN_MS_MAX = 8;
/** A registry that is away for a minute under load; 100 bytes each. */
const OWED_USERS_MAX = 100_000;

interface TakenRecord {
  readonly record: LogRecord;
  readonly position: Position;
  readonly content: InboxRecord | UnreadableRecordError | 'parked';
}

/** What one slice writes and tells. */
interface SliceOutputs {
  readonly rows: InboxRow[];
  readonly memberships: MembershipRow[];
  readonly entries: WrittenEntry[];
  /** Users who pull instead of being pushed to. */
  readonly behind: Set<string>;
  readonly canaries: InboxCanary[];
  /** When the log stamped the records that rows were written for. */
  readonly stamped: Moments;
}

export class InboxProcessor {
  readonly #dependencies: InboxDependencies;
  readonly #settings: InboxSettings;
  readonly #assignment: PartitionAssignment;
  readonly #owned: OwnedPartition;
  readonly #hints: PendingHints;
  readonly #heads = new Map<string, InboxHead>();
  readonly #dirty = new Set<InboxHead>();
  /** Users for whom a delivery was given up, and who were not told `behind` yet. */
  readonly #owed = new Set<string>();
  #parked: ReadonlySet<number> = new Set();
  #sources: Sources = {};
  #next = 0;
  #committed = 0;
  readonly #flushes: FlushSchedule;
  readonly #breather: Breather;

  constructor(dependencies: InboxDependencies, assignment: PartitionAssignment, owned: OwnedPartition) {
    this.#dependencies = dependencies;
    this.#settings = { ...INBOX_SETTINGS, ...dependencies.settings };
    this.#assignment = assignment;
    this.#owned = owned;
    this.#hints = new PendingHints(dependencies.runtime);
    this.#flushes = new FlushSchedule(dependencies.runtime, this.#settings.flush_interval_ms);
    this.#breather = new Breather(dependencies.runtime, TURN_MS_MAX);
  }

  /** Runs until the partition is taken away or the tables are replaced, which it says by throwing. */
  async run(): Promise<never> {
    const { log, metrics } = this.#dependencies;
    const { store, replaced } = this.#dependencies.tables;
    const { partition } = this.#assignment;
    const checkpoint = await this.#retry(() => store.loadCheckpoint('inbox', partition));
    this.#parked = await this.#retry(() => store.readParked('inbox', partition));
    this.#sources = { ...checkpoint?.sources };
    this.#next = this.#committed = this.#owned.next = checkpoint?.offset ?? 0;
    if (checkpoint !== null) metrics.add('inbox_takeovers');
    const reader = new ContiguousReader(log, this.#assignment, metrics, this.#next, replaced);
    try {
      for (;;) await this.#cycle(reader);
    } finally {
      this.#flushes.clear();
    }
  }

  async #cycle(reader: ContiguousReader): Promise<void> {
    const reading = reader.read(this.#settings.slice_records_max);
    const askedAt = this.#dependencies.runtime.monotonic();
    await this.#flushes.whileWaiting(reading, () => this.#flushAndCommit());
    // A read that took time waited, and the event loop turned.
    if (this.#dependencies.runtime.monotonic() - askedAt > 1) this.#breather.rested();
    const taken = await this.#decodeAndLoad(await reading);
    for (let done = 0; done < taken.length; ) {
      done += await this.#processSlice(taken, done);
      await this.#breather.breathe();
    }
    if (this.#flushes.due) await this.#flushAndCommit();
  }

  /** Processes records from index `start` on; returns how many. Ends early when it has rows enough. */
  async #processSlice(taken: readonly TakenRecord[], start: number): Promise<number> {
    const { metrics, runtime } = this.#dependencies;
    const { store, replaced } = this.#dependencies.tables;
    if (replaced.aborted) throw new TablesReplacedError();
    const outputs = newSliceOutputs();
    let count = 0;
    while (start + count < taken.length && outputs.rows.length < this.#settings.slice_rows_max) {
      const { record, position, content } = taken[start + count]!;
      if (content instanceof UnreadableRecordError) {
        // What stands before it is finished first; the next slice begins, and stops, with it.
        if (count > 0) break;
        throw new PartitionStoppedError(`record ${record.offset}: ${content.message}`, { cause: content });
      }
      count++;
      if (content === 'parked') metrics.add('parked');
      else if (!takeSource(this.#sources, content.sourcePartition, content.sourcePosition))
        metrics.add('inbox_skipped_sources');
      else if (content.type === 'InboxCanary') outputs.canaries.push(content);
      else this.#number(content, position, record.appendTime, outputs);
    }
    await this.#retry(() => store.writeInbox(outputs.rows, outputs.memberships));
    this.#next += count;
    this.#owned.advance(this.#next, taken[start + count - 1]!.record.appendTime);
    outputs.stamped.observeAt(runtime.now(), metrics.latency('inbox_rows'));
    this.#flushes.schedule();
    metrics.add('inbox_records', count);
    metrics.add('inbox_rows', outputs.rows.length);
    await this.#tell(outputs);
    return count;
  }

  /** Gives each recipient's copy its number. */
  #number(record: InboxEntries, position: Position, appendTime: number, outputs: SliceOutputs): void {
    const { conversationId, seq, kind, event } = record;
    const numbered: Recipient[] = [];
    for (const recipient of record.recipients) {
      const head = this.#heads.get(recipient);
      if (head === undefined) throw new Error('an entry was to be numbered before its recipient was loaded');
      // The head's own text, not the record's equal one: every map from here to the socket knows it already, and what was
      // decoded need not live as long as the row.
      const { user } = head;
      const inboxSeq = takeInboxSeq(head, position);
      if (inboxSeq === 0) {
        // Written by an owner before us, who may not have come to tell it.
        this.#dependencies.metrics.add('inbox_skipped_head_as_of');
        outputs.behind.add(user);
        continue;
      }
      this.#dirty.add(head);
      const row = { user, inboxSeq, conversationId, seq, kind, position };
      outputs.rows.push(row);
      numbered.push(row);
    }
    // Stamped by position and equal at every attempt: written for skipped recipients too, it changes nothing.
    for (const user of record.joined)
      outputs.memberships.push({ user, conversationId, joinedSeq: seq, leftSeq: null, position });
    for (const { user, joinedSeq } of record.left)
      outputs.memberships.push({ user, conversationId, joinedSeq, leftSeq: seq, position });
    if (numbered.length === 0) return;
    outputs.stamped.add(appendTime);
    const age_ms = this.#dependencies.runtime.now() - appendTime;
    if (age_ms > limits.delivery_age_ms_max) for (const { user } of numbered) outputs.behind.add(user);
    else outputs.entries.push({ conversationId, seq, kind, event, recipients: numbered });
  }

  async #decodeAndLoad(records: readonly LogRecord[]): Promise<readonly TakenRecord[]> {
    const { generation } = this.#dependencies.log.layout;
    const missing = new Set<string>();
    const taken = records.map((record): TakenRecord => {
      const content = this.#parked.has(record.offset) ? 'parked' : decodeOrExplain(record.value);
      if (typeof content === 'object' && 'recipients' in content)
        for (const user of content.recipients) if (!this.#heads.has(user)) missing.add(user);
      return { record, position: positionOf(generation, record.offset), content };
    });
    if (missing.size > 0) await this.#loadHeads([...missing]);
    return taken;
  }

  async #loadHeads(users: readonly string[]): Promise<void> {
    const { store } = this.#dependencies.tables;
    const rows = await this.#retry(() => store.loadHeads(users));
    if (rows.includes(null)) await this.#refuseEmptiedTables();
    for (const [i, user] of users.entries()) this.#heads.set(user, inboxHeadFrom(user, rows[i] ?? null));
  }

  async #refuseEmptiedTables(): Promise<void> {
    const { store } = this.#dependencies.tables;
    if (this.#committed > 0) await this.#retry(() => refuseEmptiedTables(store, 'inbox', this.#assignment.partition));
  }

  async #tell({ entries, behind, canaries, stamped }: SliceOutputs): Promise<void> {
    this.#deliver(entries, behind, stamped);
    if (canaries.length > 0) {
      const { tables, delivery, logger } = this.#dependencies;
      this.#hints.track(
        answerCanaries({ store: tables.store, delivery, logger }, this.#assignment.partition, canaries),
      );
    }
    if (this.#hints.size > this.#settings.hints_pending_max)
      await this.#hints.settled(limits.hint_wait_ms_max, this.#assignment.signal);
  }

  /** Whoever a delivery was given up for is told `behind` with the next one, or at the next flush. */
  #deliver(entries: readonly WrittenEntry[], behind: Set<string>, stamped: Moments): void {
    const { metrics, runtime } = this.#dependencies;
    for (const user of this.#owed) behind.add(user);
    this.#owed.clear();
    if (entries.length === 0 && behind.size === 0) return;
    metrics.add('inbox_behind', behind.size);
    const delivering = deliverEntries(this.#dependencies, epochOf(this.#dependencies.tables), entries, behind).then(
      (missed) => {
        stamped.observeAt(runtime.now(), metrics.latency('inbox_hints'));
        // Above the bound their own look at the head, every ten minutes, has to do.
        for (const user of missed) if (this.#owed.size < OWED_USERS_MAX) this.#owed.add(user);
        if (missed.length > 0) this.#flushes.schedule();
      },
    );
    this.#hints.track(delivering);
  }

  async #flushAndCommit(): Promise<void> {
    const { store } = this.#dependencies.tables;
    const { partition, signal } = this.#assignment;
    // Copies: a write that times out may be applied later, and must not write what the heads are then.
    const heads = [...this.#dirty].map((head) => ({ ...head }));
    if (heads.length > 0) {
      // A head in tables that were emptied would stand above rows that are gone, and keep the next run from writing them.
      await this.#refuseEmptiedTables();
      await this.#retry(() => store.writeHeads(heads));
    }
    this.#dirty.clear();
    this.#deliver([], new Set(), new Moments());
    await this.#hints.settled(limits.hint_wait_ms_max, signal);
    this.#flushes.clear();
    if (this.#owed.size > 0) this.#flushes.schedule();
    if (this.#next > this.#committed) {
      await this.#refuseEmptiedTables();
      const checkpoint = { offset: this.#next, sources: { ...this.#sources }, foldVersion: 1 };
      await this.#retry(() => store.saveCheckpoint('inbox', partition, checkpoint));
      this.#assignment.commit(this.#next);
      this.#committed = this.#next;
    }
    this.#forgetSome();
  }

  /** Called when every head is written: the longest in memory go first. */
  #forgetSome(): void {
    for (const user of this.#heads.keys()) {
      if (this.#heads.size <= this.#settings.heads_cached_max) return;
      this.#heads.delete(user);
    }
  }

  #retry<T>(attemptOnce: () => Promise<T>): Promise<T> {
    const { runtime, metrics, logger, tables } = this.#dependencies;
    const { topic, partition, signal } = this.#assignment;
    return retryInPlace(
      {
        runtime,
        signal,
        isRetryable: (error) => !tables.replaced.aborted && error instanceof StoreError,
        onRetry: (error, attempt) => {
          metrics.add('inbox_retries');
          logger.warn('inbox repeats a write', { topic, partition, attempt, reason: String(error) });
        },
      },
      attemptOnce,
    );
  }
}

/** As deliveries say it. */
function epochOf({ number, epoch }: TablesInForce): number | null {
  return number === 0 ? null : epoch;
}

function newSliceOutputs(): SliceOutputs {
  return { rows: [], memberships: [], entries: [], behind: new Set(), canaries: [], stamped: new Moments() };
}

function decodeOrExplain(bytes: Uint8Array): InboxRecord | UnreadableRecordError {
  try {
    return decodeInboxRecord(bytes);
  } catch (error) {
    if (error instanceof UnreadableRecordError) return error;
    throw error;
  }
}
