// One partition of `messages` in the hands of this process: reads commands, folds them, writes what they came to.
//
// The order of effects (R4), for each slice of commands:
//
//   step all ─▶ timeline rows ┐
//              append timeline ├─ all acknowledged ─▶ outcomes ─▶ conversation rows ─▶ checkpoint
//              append inbox    ┘                      (hints)     (each second, or at once when members changed)
//
// So a checkpoint only ever states a true fact, also when it is written by an owner that lost the partition. Any failure
// between a step and its acknowledgement throws this object away: the state in memory is ahead of the log then.
import { decodeMessagesRecord, UnreadableRecordError } from '../events/codec.ts';
import type { Command, MessagesRecord } from '../events/commands.ts';
import { type Position, positionOf } from '../events/position.ts';
import { Breather } from '../kernel/breather.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { retryInPlace } from '../kernel/retry.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { DeliveryRecord, DeliveryStream } from '../ports/delivery/delivery-stream.ts';
import { PendingHints } from '../ports/delivery/pending-hints.ts';
import { ContiguousReader, PartitionStoppedError } from '../ports/log/contiguous-reader.ts';
import { AppendError, type EventLog, type LogRecord, type PartitionAssignment } from '../ports/log/event-log.ts';
import { FlushSchedule } from '../ports/log/flush-schedule.ts';
import type { OwnedPartition } from '../ports/log/owned-partitions.ts';
import { refuseEmptiedTables } from '../ports/log/refuse-emptied-tables.ts';
import { type TablesInForce, TablesReplacedError } from '../ports/store/live-tables.ts';
import { type ConversationFlush, StoreError } from '../ports/store/state-store.ts';
import { type ConversationState, staticRowOf } from './conversation-state.ts';
import { DecisionTally } from './decision-tally.ts';
import type { Decision } from './fold-conversation.ts';
import { FIRST_FOLD_VERSION, foldOfVersion } from './fold-versions.ts';
import { loadConversation } from './load-conversation.ts';
import { RecipientRouter } from './route-recipients.ts';
import { SliceOutputs } from './slice-outputs.ts';

export interface FanoutSettings {
  /** Commands of one slice. Each read-process-append cycle costs about 1 ms of CPU on Kafka: slices grow with load. */
  readonly slice_records_max: number;
  /** Inbox copies of one slice: 40 messages to a full group. A slice's records stand in memory at once. */
  readonly slice_copies_max: number;
  readonly flush_interval_ms: number;
  /** Bytes that a slice appends. Kafka takes 1 MiB a partition and request, and all may be for one partition. */
  readonly slice_bytes_max: number;
  /** Conversations kept in memory a partition; about 1 kB each, and their remembered ids. */
  readonly conversations_cached_max: number;
  /** Remembered ids kept in memory a partition, of conversations that are not in use; 120 bytes each. */
  readonly ids_cached_max: number;
  /** A conversation without a command for so long leaves memory. */
  readonly idle_ms_max: number;
}

export const FANOUT_SETTINGS: FanoutSettings = {
  slice_records_max: 1_000,
  slice_copies_max: 20_000,
  flush_interval_ms: limits.flush_interval_ms,
  slice_bytes_max: 768 * 1024,
  conversations_cached_max: 20_000,
  ids_cached_max: 1_000_000,
  idle_ms_max: 900_000,
};

export interface FanoutDependencies {
  readonly name: string;
  readonly runtime: Runtime;
  readonly log: EventLog;
  /** The set of tables that this run is bound to. */
  readonly tables: TablesInForce;
  readonly delivery: DeliveryStream;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly settings?: Partial<FanoutSettings>;
}

/** A conversation in memory, and which of its rows the store does not have yet. */
interface CachedConversation {
  readonly state: ConversationState;
  dirty: boolean;
  readonly touched: Set<string>;
  /** Monotonic. */
  usedAt: number;
}

interface TakenRecord {
  readonly record: LogRecord;
  readonly position: Position;
  readonly content: MessagesRecord | UnreadableRecordError | 'parked';
}

/** Work at a stretch before sockets and timers get their turn. */
const TURN_MS_MAX = 8;
const SWEEP_INTERVAL_MS = 30_000;
/** A conversation with a command this recently is in use. */
const IN_USE_MS = 60_000;

/** Loads under way at once. The store's adapters take 256 to 1,024 requests. */
const LOADS_AT_ONCE_MAX = 64;

export class FanoutProcessor {
  readonly #dependencies: FanoutDependencies;
  readonly #settings: FanoutSettings;
  readonly #assignment: PartitionAssignment;
  readonly #owned: OwnedPartition;
  readonly #router: RecipientRouter;
  readonly #hints: PendingHints;
  readonly #conversations = new Map<string, CachedConversation>();
  readonly #dirty = new Set<CachedConversation>();
  #parked: ReadonlySet<number> = new Set();
  #foldVersion = FIRST_FOLD_VERSION;
  /** The first record that is not folded yet. */
  #next = 0;
  #committed = 0;
  /** Records from here on were appended during this assignment. */
  #freshFrom = 0;
  readonly #flushes: FlushSchedule;
  readonly #breather: Breather;
  /** Monotonic. */
  #sweepDueAt = 0;

  constructor(dependencies: FanoutDependencies, assignment: PartitionAssignment, owned: OwnedPartition) {
    this.#dependencies = dependencies;
    this.#settings = { ...FANOUT_SETTINGS, ...dependencies.settings };
    this.#assignment = assignment;
    this.#owned = owned;
    this.#router = new RecipientRouter(dependencies.log.layout.partitions.inbox);
    this.#hints = new PendingHints(dependencies.runtime);
    this.#flushes = new FlushSchedule(dependencies.runtime, this.#settings.flush_interval_ms);
    this.#breather = new Breather(dependencies.runtime, TURN_MS_MAX);
  }

  /** Runs until the partition is taken away or the tables are replaced, which it says by throwing. */
  async run(): Promise<never> {
    const { log, metrics } = this.#dependencies;
    const { store, replaced } = this.#dependencies.tables;
    const { partition } = this.#assignment;
    const checkpoint = await this.#retry(() => store.loadCheckpoint('messages', partition));
    this.#parked = await this.#retry(() => store.readParked('messages', partition));
    this.#foldVersion = checkpoint?.foldVersion ?? FIRST_FOLD_VERSION;
    this.#next = this.#committed = this.#owned.next = checkpoint?.offset ?? 0;
    this.#freshFrom = await log.endOffset('messages', partition);
    const reader = new ContiguousReader(log, this.#assignment, metrics, this.#next, replaced);
    try {
      for (;;) await this.#cycle(reader);
    } finally {
      this.#flushes.clear();
    }
  }

  async #cycle(reader: ContiguousReader): Promise<void> {
    const reading = reader.read(this.#settings.slice_records_max);
    await this.#flushes.whileWaiting(reading, () => this.#flushAndCommit());
    const taken = await this.#decodeAndLoad(await reading);
    for (let done = 0; done < taken.length; ) done += await this.#processSlice(taken, done);
    if (this.#flushes.due) await this.#flushAndCommit();
  }

  /** Processes records from index `start` on; returns how many. Ends early behind a change of members, or when full. */
  async #processSlice(taken: readonly TakenRecord[], start: number): Promise<number> {
    const { log, metrics, runtime } = this.#dependencies;
    const { store, replaced } = this.#dependencies.tables;
    if (replaced.aborted) throw new TablesReplacedError();
    const outputs = new SliceOutputs(log.layout, this.#router);
    const tally = new DecisionTally();
    const changed = new Set<CachedConversation>();
    let count = 0;
    while (start + count < taken.length && changed.size === 0 && !this.#isFull(outputs)) {
      const { record, position, content } = taken[start + count]!;
      const stop = stopAt(record, content);
      // What stands before it is finished first; the next slice begins, and stops, with it.
      if (stop !== null && count > 0) break;
      if (stop !== null) throw stop;
      count++;
      if (content === 'parked') {
        metrics.add('parked');
      } else if (content instanceof UnreadableRecordError) {
        throw content;
      } else if (content.type === 'FoldVersion') {
        this.#foldVersion = content.version;
      } else if (content.type === 'Canary') {
        outputs.addCanary(content, this.#assignment.partition, position);
      } else {
        const conversation = this.#conversations.get(content.conversationId);
        if (conversation === undefined)
          throw new Error('a command was to be decided before its conversation was loaded');
        const decision = this.#decide(conversation, content, position, record);
        if (decision === null) continue;
        tally.count(decision, record.appendTime);
        outputs.add(content, decision, this.#assignment.partition, this.#isLate(record));
        if (decision.touched.length > 0) changed.add(conversation);
      }
    }
    await Promise.all([
      this.#retry(() => store.writeTimeline(outputs.timelineRows, outputs.pastMembers)),
      this.#retry(() => log.append('timeline', outputs.timelineBatches())),
      this.#retry(() => log.append('inbox', outputs.inboxBatches())),
    ]);
    this.#next += count;
    this.#owned.advance(this.#next, taken[start + count - 1]!.record.appendTime);
    tally.addTo(metrics, runtime.now());
    this.#flushes.schedule();
    // The next command, and the next request of whoever changed the members, must find the change in the store.
    if (changed.size > 0) await this.#flush(changed);
    this.#tellOutcomes(outputs);
    metrics.add('fanout_commands', count);
    return count;
  }

  #isFull({ copies, bytes }: SliceOutputs): boolean {
    return copies >= this.#settings.slice_copies_max || bytes >= this.#settings.slice_bytes_max;
  }

  /** Decodes what was read, and loads the conversations that are not in memory. */
  async #decodeAndLoad(records: readonly LogRecord[]): Promise<readonly TakenRecord[]> {
    const { generation } = this.#dependencies.log.layout;
    const missing = new Set<string>();
    const taken = records.map((record): TakenRecord => {
      const content = this.#parked.has(record.offset) ? 'parked' : decodeOrExplain(record.value);
      if (
        typeof content === 'object' &&
        'conversationId' in content &&
        !this.#conversations.has(content.conversationId)
      )
        missing.add(content.conversationId);
      return { record, position: positionOf(generation, record.offset), content };
    });
    await this.#load([...missing]);
    const now = this.#dependencies.runtime.monotonic();
    for (const { content } of taken) {
      if (typeof content !== 'object' || !('conversationId' in content)) continue;
      const conversation = this.#conversations.get(content.conversationId);
      if (conversation !== undefined) conversation.usedAt = now;
    }
    return taken;
  }

  async #load(conversationIds: readonly string[]): Promise<void> {
    const { store } = this.#dependencies.tables;
    for (let i = 0; i < conversationIds.length; i += LOADS_AT_ONCE_MAX) {
      const states = await Promise.all(
        conversationIds
          .slice(i, i + LOADS_AT_ONCE_MAX)
          .map((conversationId) => this.#retry(() => loadConversation(store, conversationId, this.#breather))),
      );
      if (states.some(({ kind }) => kind === null)) await this.#refuseEmptiedTables();
      for (const state of states)
        this.#conversations.set(state.conversationId, { state, dirty: false, touched: new Set(), usedAt: 0 });
    }
  }

  async #refuseEmptiedTables(): Promise<void> {
    const { store } = this.#dependencies.tables;
    if (this.#committed > 0)
      await this.#retry(() => refuseEmptiedTables(store, 'messages', this.#assignment.partition));
  }

  /** null: the command's outputs are durable since before this assignment (R2). */
  #decide(conversation: CachedConversation, command: Command, position: Position, record: LogRecord): Decision | null {
    const { metrics } = this.#dependencies;
    const { state } = conversation;
    if (state.asOf >= position) {
      metrics.add('fanout_skipped_as_of');
      return null;
    }
    const fold = foldOfVersion(this.#foldVersion);
    if (fold === undefined)
      throw new PartitionStoppedError(`fold version ${this.#foldVersion} is unknown: upgrade first`);
    const decision = fold(state, command, { position, appendTime: record.appendTime });
    // A refusal leaves no trace on a conversation that does not exist.
    if (state.kind !== null) {
      conversation.dirty = true;
      this.#dirty.add(conversation);
      for (const user of decision.touched) conversation.touched.add(user);
    }
    return decision;
  }

  /**
   * Old, and from before this assignment: a replay. By the clock alone nobody would ever hear of a refusal from a
   * process whose clock runs ahead.
   */
  #isLate(record: LogRecord): boolean {
    if (record.offset >= this.#freshFrom) return false;
    return this.#dependencies.runtime.now() - record.appendTime > limits.delivery_age_ms_max;
  }

  /** Hints: nobody waits for them but the commit, and a lost one costs a resend. */
  #tellOutcomes(outputs: SliceOutputs): void {
    const { delivery, logger } = this.#dependencies;
    for (const { address, records, late } of outputs.outcomes.values()) {
      const deliveries: DeliveryRecord[] = records;
      if (late.length > 0) deliveries.push({ type: 'behind', users: [...new Set(late)] });
      const publishing = delivery.publish(address, deliveries).then(
        () => {},
        (error: unknown) =>
          logger.debug('outcomes were not handed over', { node: address.node, reason: String(error) }),
      );
      this.#hints.track(publishing);
    }
  }

  async #flushAndCommit(): Promise<void> {
    const { store } = this.#dependencies.tables;
    const { partition, signal } = this.#assignment;
    await this.#flush(this.#dirty);
    await this.#hints.settled(limits.hint_wait_ms_max, signal);
    this.#flushes.clear();
    if (this.#next > this.#committed) {
      await this.#refuseEmptiedTables();
      const checkpoint = { offset: this.#next, sources: {}, foldVersion: this.#foldVersion };
      await this.#retry(() => store.saveCheckpoint('messages', partition, checkpoint));
      this.#assignment.commit(this.#next);
      this.#committed = this.#next;
    }
    this.#forgetSome();
  }

  /** Writes every row touched since the last flush, not a difference: a later owner's row may lie in between (R2). */
  async #flush(conversations: ReadonlySet<CachedConversation>): Promise<void> {
    const flushed = [...conversations].filter(({ dirty }) => dirty);
    if (flushed.length === 0) return;
    // A state in tables that were emptied would stand above a timeline that is gone.
    await this.#refuseEmptiedTables();
    const rows = flushed.map(flushOf);
    await this.#retry(() => this.#dependencies.tables.store.flushConversations(rows));
    for (const conversation of flushed) {
      conversation.dirty = false;
      conversation.touched.clear();
      this.#dirty.delete(conversation);
    }
  }

  /** Called when everything is flushed. Quiet conversations go after a while, and the longest unused when it gets tight. */
  #forgetSome(): void {
    const { conversations_cached_max, ids_cached_max, idle_ms_max } = this.#settings;
    const now = this.#dependencies.runtime.monotonic();
    if (this.#conversations.size <= conversations_cached_max && now < this.#sweepDueAt) return;
    this.#sweepDueAt = now + SWEEP_INTERVAL_MS;
    const byUse = [...this.#conversations.values()].sort((a, b) => a.usedAt - b.usedAt);
    let ids = 0;
    for (const { state } of byUse) ids += state.remembered.size;
    for (const { state, usedAt } of byUse) {
      const isTight = this.#conversations.size > conversations_cached_max || ids > ids_cached_max;
      // Those in use would be back at once, and loading costs more than keeping.
      if (!isTight && now - usedAt <= idle_ms_max) return;
      if (isTight && now - usedAt <= IN_USE_MS && this.#conversations.size <= conversations_cached_max) return;
      this.#conversations.delete(state.conversationId);
      ids -= state.remembered.size;
    }
  }

  #retry<T>(attemptOnce: () => Promise<T>): Promise<T> {
    const { runtime, metrics, logger, tables } = this.#dependencies;
    const { topic, partition, signal } = this.#assignment;
    return retryInPlace(
      {
        runtime,
        signal,
        isRetryable: (error) =>
          !tables.replaced.aborted && (error instanceof AppendError || error instanceof StoreError),
        onRetry: (error, attempt) => {
          metrics.add('fanout_retries');
          logger.warn('fanout repeats a write', { topic, partition, attempt, reason: String(error) });
        },
      },
      attemptOnce,
    );
  }
}

/** Why the partition cannot go on at this record; null if it can. */
function stopAt({ offset }: LogRecord, content: TakenRecord['content']): PartitionStoppedError | null {
  if (content === 'parked') return null;
  if (content instanceof UnreadableRecordError)
    return new PartitionStoppedError(`record ${offset}: ${content.message}`, { cause: content });
  if (content.type === 'FoldVersion' && foldOfVersion(content.version) === undefined)
    return new PartitionStoppedError(`record ${offset} asks for fold version ${content.version}: upgrade first`);
  return null;
}

function decodeOrExplain(bytes: Uint8Array): MessagesRecord | UnreadableRecordError {
  try {
    return decodeMessagesRecord(bytes);
  } catch (error) {
    if (error instanceof UnreadableRecordError) return error;
    throw error;
  }
}

function flushOf({ state, touched }: CachedConversation): ConversationFlush {
  const members = new Map([...touched].map((user) => [user, state.members.get(user) ?? null]));
  return { row: staticRowOf(state), members };
}
