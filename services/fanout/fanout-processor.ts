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
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { retryInPlace } from '../kernel/retry.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { DeliveryRecord, DeliveryStream } from '../ports/delivery/delivery-stream.ts';
import { PendingHints } from '../ports/delivery/pending-hints.ts';
import { ContiguousReader, PartitionStoppedError } from '../ports/log/contiguous-reader.ts';
import { AppendError, type EventLog, type LogRecord, type PartitionAssignment } from '../ports/log/event-log.ts';
import { type ConversationFlush, type StateStore, StoreError } from '../ports/store/state-store.ts';
import { type ConversationState, staticRowOf } from './conversation-state.ts';
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
  /** Conversations kept in memory a partition; about 1 kB each, and 0.2 kB for each remembered id. */
  readonly conversations_cached_max: number;
}

export const FANOUT_SETTINGS: FanoutSettings = {
  slice_records_max: 1_000,
  slice_copies_max: 20_000,
  flush_interval_ms: limits.flush_interval_ms,
  conversations_cached_max: 20_000,
};

export interface FanoutDependencies {
  readonly name: string;
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly store: StateStore;
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
}

interface TakenRecord {
  readonly record: LogRecord;
  readonly position: Position;
  readonly content: MessagesRecord | UnreadableRecordError | 'parked';
}

/** Loads under way at once. The store's adapters take 256 to 1,024 requests. */
const LOADS_AT_ONCE_MAX = 64;

export class FanoutProcessor {
  readonly #dependencies: FanoutDependencies;
  readonly #settings: FanoutSettings;
  readonly #assignment: PartitionAssignment;
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
  /** Monotonic; infinite while nothing is dirty. */
  #flushDueAt = Number.POSITIVE_INFINITY;
  #flushTimer: Timer | null = null;
  #wake: () => void = () => {};

  constructor(dependencies: FanoutDependencies, assignment: PartitionAssignment) {
    this.#dependencies = dependencies;
    this.#settings = { ...FANOUT_SETTINGS, ...dependencies.settings };
    this.#assignment = assignment;
    this.#router = new RecipientRouter(dependencies.log.layout.partitions.inbox);
    this.#hints = new PendingHints(dependencies.runtime);
  }

  /** Runs until the partition is taken away, which it says by throwing. */
  async run(): Promise<never> {
    const { log, store, metrics } = this.#dependencies;
    const { partition } = this.#assignment;
    const checkpoint = await this.#retry(() => store.loadCheckpoint('messages', partition));
    this.#parked = await this.#retry(() => store.readParked('messages', partition));
    this.#foldVersion = checkpoint?.foldVersion ?? FIRST_FOLD_VERSION;
    this.#next = this.#committed = checkpoint?.offset ?? 0;
    this.#freshFrom = await log.endOffset('messages', partition);
    const reader = new ContiguousReader(log, this.#assignment, metrics, this.#next);
    try {
      for (;;) await this.#cycle(reader);
    } finally {
      this.#forgetFlush();
    }
  }

  async #cycle(reader: ContiguousReader): Promise<void> {
    const reading = reader.read(this.#settings.slice_records_max);
    await this.#flushWhileIdle(reading);
    const taken = await this.#decodeAndLoad(await reading);
    for (let done = 0; done < taken.length; ) done += await this.#processSlice(taken, done);
    if (this.#dependencies.runtime.monotonic() >= this.#flushDueAt) await this.#flushAndCommit();
  }

  /**
   * While there is nothing to read, what is dirty is flushed when it is due. One timer a flush, not one a read: there are
   * hundreds of reads between two flushes, and setting and cancelling a timer would be a good part of what one costs.
   */
  async #flushWhileIdle(reading: Promise<unknown>): Promise<void> {
    if (this.#flushDueAt === Number.POSITIVE_INFINITY) return;
    let arrived = false;
    const settle = () => {
      arrived = true;
      this.#wake();
    };
    reading.then(settle, settle);
    for (;;) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if (arrived) return;
      await this.#flushAndCommit();
      if (arrived) return;
    }
  }

  #scheduleFlush(): void {
    if (this.#flushDueAt !== Number.POSITIVE_INFINITY) return;
    const { runtime } = this.#dependencies;
    const interval_ms = this.#settings.flush_interval_ms;
    this.#flushDueAt = runtime.monotonic() + interval_ms;
    this.#flushTimer = runtime.setTimer(interval_ms, () => {
      this.#flushDueAt = Number.NEGATIVE_INFINITY; // a timer may be early by the clock
      this.#wake();
    });
  }

  #forgetFlush(): void {
    this.#flushTimer?.cancel();
    this.#flushDueAt = Number.POSITIVE_INFINITY;
  }

  /** Processes records from index `start` on; returns how many. Ends early behind a change of members, or when full. */
  async #processSlice(taken: readonly TakenRecord[], start: number): Promise<number> {
    const { log, store, metrics } = this.#dependencies;
    const outputs = new SliceOutputs(log.layout, this.#router);
    const changed = new Set<CachedConversation>();
    let count = 0;
    while (start + count < taken.length && outputs.copies < this.#settings.slice_copies_max && changed.size === 0) {
      const { record, position, content } = taken[start + count]!;
      if (content instanceof UnreadableRecordError) {
        // What stands before it is finished first; the next slice begins, and stops, with it.
        if (count > 0) break;
        throw new PartitionStoppedError(`record ${record.offset}: ${content.message}`, { cause: content });
      }
      count++;
      if (content === 'parked') {
        metrics.add('parked');
      } else if (content.type === 'FoldVersion') {
        this.#switchFold(content.version);
      } else if (content.type === 'Canary') {
        outputs.addCanary(content, this.#assignment.partition, position);
      } else {
        const conversation = this.#conversations.get(content.conversationId);
        if (conversation === undefined)
          throw new Error('a command was to be decided before its conversation was loaded');
        const decision = this.#decide(conversation, content, position, record);
        if (decision === null) continue;
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
    this.#scheduleFlush();
    // The next command, and the next request of whoever changed the members, must find the change in the store.
    if (changed.size > 0) await this.#flush(changed);
    this.#tellOutcomes(outputs);
    metrics.add('fanout_commands', count);
    return count;
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
    return taken;
  }

  async #load(conversationIds: readonly string[]): Promise<void> {
    const { store } = this.#dependencies;
    for (let i = 0; i < conversationIds.length; i += LOADS_AT_ONCE_MAX) {
      const states = await Promise.all(
        conversationIds
          .slice(i, i + LOADS_AT_ONCE_MAX)
          .map((conversationId) => this.#retry(() => loadConversation(store, conversationId))),
      );
      for (const state of states)
        this.#conversations.set(state.conversationId, { state, dirty: false, touched: new Set() });
    }
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
    this.#count(decision);
    return decision;
  }

  #switchFold(version: number): void {
    if (foldOfVersion(version) === undefined)
      throw new PartitionStoppedError(`the log asks for fold version ${version}: upgrade first`);
    this.#foldVersion = version;
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
    const { store } = this.#dependencies;
    const { partition, signal } = this.#assignment;
    await this.#flush(this.#dirty);
    await this.#hints.settled(limits.hint_wait_ms_max, signal);
    this.#forgetFlush();
    if (this.#next > this.#committed) {
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
    const rows = flushed.map(flushOf);
    await this.#retry(() => this.#dependencies.store.flushConversations(rows));
    for (const conversation of flushed) {
      conversation.dirty = false;
      conversation.touched.clear();
      this.#dirty.delete(conversation);
    }
  }

  /** Called when everything is flushed: the longest in memory go first. */
  #forgetSome(): void {
    for (const conversationId of this.#conversations.keys()) {
      if (this.#conversations.size <= this.#settings.conversations_cached_max) return;
      this.#conversations.delete(conversationId);
    }
  }

  #retry<T>(attemptOnce: () => Promise<T>): Promise<T> {
    const { runtime, metrics, logger } = this.#dependencies;
    const { topic, partition, signal } = this.#assignment;
    return retryInPlace(
      {
        runtime,
        signal,
        isRetryable: (error) => error instanceof AppendError || error instanceof StoreError,
        onRetry: (error, attempt) => {
          metrics.add('fanout_retries');
          logger.warn('fanout repeats a write', { topic, partition, attempt, reason: String(error) });
        },
      },
      attemptOnce,
    );
  }

  #count({ outcome }: Decision): void {
    const { metrics } = this.#dependencies;
    if (outcome.result === 'sequenced') metrics.add(outcome.repeat ? 'fanout_repeats' : 'fanout_sequenced');
    if (outcome.result !== 'rejected') return;
    metrics.add('fanout_rejected');
    if (outcome.code === 'clock') metrics.add('fanout_clock');
    if (outcome.code === 'too_old') metrics.add('fanout_too_old');
  }
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
