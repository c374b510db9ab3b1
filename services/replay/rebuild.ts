// Fills a set of tables from the topics: a long pass over what there is, then short ones over what came meanwhile.
//
//   messages ─▶ fold ─┬─▶ timelines, past members ─▶ conversations ┐
//                     └─▶ number (from messages)                   ├─▶ progress, every few seconds
//   inbox ──────────────▶ number (from inbox) ─▶ inboxes ─▶ heads  ┘
//
// The order is that of the live stages (R4, R6): what others speak of first, and the progress last. Heads go before
// conversations: a conversation's row says that its commands need not be folded again, and then their entries must stand
// in heads. Each pass reads where `inbox` ends, then where `messages` ends: every record of that part of `inbox` was
// decided from that part of `messages`. No pass goes beyond what the live fanout has decided (decided-offsets.ts).
import { decodeInboxRecord } from '../events/codec.ts';
import { positionOf } from '../events/position.ts';
import { FIRST_FOLD_VERSION } from '../fanout/folding.ts';
import { takeSource } from '../inbox/folding.ts';
import { Breather } from '../kernel/breather.ts';
import { type Runtime, sleep } from '../kernel/runtime.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';
import { CommandFolder } from './command-folder.ts';
import { DecidedOffsets } from './decided-offsets.ts';
import { EntryNumberer, type NewEntry, type Numbered } from './entry-numberer.ts';
import { MergedReader, type MergedRecord } from './merged-reader.ts';
import { patience, type Retry } from './patience.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import type { RebuildState, ReplaySource } from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';
import { RowBudget } from './row-budget.ts';

export interface RebuildOptions {
  readonly from: ReplaySource;
  readonly log: EventLog;
  readonly base: StateStore;
  /** Where the progress is kept. */
  readonly record: RebuildRecord;
  /** The set that is filled. */
  readonly store: StateStore;
  /** The set in force: its checkpoints say what is decided. */
  readonly live: Pick<StateStore, 'loadCheckpoint'>;
  readonly generation: GenerationRow;
  /** Partitions of the topic `from` alone; null for everything. */
  readonly only: ReadonlySet<number> | null;
  readonly rowsPerSecond: number;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly watcher: RebuildWatcher;
  /** Smaller in tests. */
  readonly flush_interval_ms?: number;
  readonly chunk_records?: number;
  readonly decided_ms_max?: number;
}

/** Whoever shows how far it is. */
export interface RebuildWatcher {
  /** A topic is read now: so many records of it. */
  begin(phase: string, records: number): void;
  advanced(records: number): void;
  note(text: string): void;
}

export interface RowCounts {
  timeline: number;
  inbox: number;
  memberships: number;
}

/** Read at once: a few milliseconds of work. */
const CHUNK_RECORDS = 2_000;
/** Written at once. */
const CHUNK_ROWS = 10_000;
const FLUSH_INTERVAL_MS = 3_000;
const TURN_MS_MAX = 20;
const DECIDED_MS_MAX = 4_000;
const DECIDED_POLL_MS = 200;
const REACHES_MAX = 8;

export class Rebuild {
  readonly rows: RowCounts = { timeline: 0, inbox: 0, memberships: 0 };
  readonly folder: CommandFolder;
  readonly #options: RebuildOptions;
  readonly #state: RebuildState;
  readonly #numberer: EntryNumberer;
  readonly #parkedInbox: readonly ReadonlySet<number>[];
  readonly #budget: RowBudget;
  readonly #retry: Retry;
  readonly #decided: DecidedOffsets;
  #writing: Promise<unknown> = Promise.resolve();
  #flushedAt_ms: number;
  #isFirstPass = true;
  #isLateTold = false;

  private constructor(options: RebuildOptions, state: RebuildState, isFresh: boolean, parked: Parked) {
    const { store, generation, runtime, rowsPerSecond } = options;
    this.#options = options;
    this.#decided = new DecidedOffsets(options);
    this.#retry = patience(options, options.record);
    this.#state = state;
    this.folder = new CommandFolder({
      store,
      generation: generation.generation,
      parked: parked.messages,
      foldVersions: state.foldVersions,
      ordinal: state.ordinal,
      isFresh,
      breather: new Breather(runtime, TURN_MS_MAX),
    });
    this.#numberer = new EntryNumberer(store, isFresh);
    this.#parkedInbox = parked.inbox;
    this.#budget = new RowBudget(runtime, rowsPerSecond);
    this.#flushedAt_ms = runtime.monotonic();
  }

  /** `kept`: what an earlier run left, to go on from. @throws ReplayError when the topics do not reach back far enough */
  static async begin(options: RebuildOptions, tables: number, kept: RebuildState | null) {
    const { log, generation, from, base } = options;
    const { messages, inbox } = generation.partitions;
    const state = kept ?? newState(tables, from, options.only, messages, inbox);
    const parked = {
      messages: await Promise.all(numbers(messages).map((partition) => base.readParked('messages', partition))),
      inbox: await Promise.all(numbers(inbox).map((partition) => base.readParked('inbox', partition))),
    };
    const rebuild = new Rebuild(options, state, kept === null, parked);
    for (const topic of rebuild.#topics())
      for (const partition of rebuild.#partitions(topic)) {
        const start = await rebuild.#retry(() => log.startOffset(topic, partition));
        if (start > state.next[topic][partition]!) throw trimmed(topic, partition, start);
      }
    await options.record.take(state);
    return rebuild;
  }

  /** By partition: everything below is in the set. */
  get next(): RebuildState['next'] {
    return this.#state.next;
  }

  /** Up to where the topics end now; or, of an interrupted run, to where that pass was to end. Resolves with the records read. */
  async pass(): Promise<number> {
    const { from } = this.#options;
    const state = this.#state;
    const isInterrupted = this.#isFirstPass && this.#left() > 0;
    this.#isFirstPass = false;
    if (!isInterrupted) {
      // In this order: see above.
      const inboxEnds = await this.#endsOf('inbox');
      const messagesEnds = await this.#endsOf('messages');
      state.ends.messages = await this.#decidedUpTo(messagesEnds);
      // For the comparison: what was decided meanwhile is looked for there too.
      state.ends.inbox = from === 'inbox' ? inboxEnds : await this.#endsOf('inbox');
      state.reaches = [...state.reaches, { messages: messagesEnds, inbox: inboxEnds }].slice(-REACHES_MAX);
      if (from === 'messages') state.inboxGoesOnAt = reachedBy(state.ends.messages, state.reaches);
      await this.#save();
    }
    const records = this.#left();
    if (this.#topics().includes('messages')) await this.#readMessages();
    if (this.#topics().includes('inbox')) await this.#readInbox();
    else state.next.inbox.splice(0, Number.POSITIVE_INFINITY, ...state.ends.inbox);
    if (from === 'inbox') state.inboxGoesOnAt = [...state.next.inbox];
    await this.#flush();
    if (from === 'messages') this.#takeSourcesOf(state.next.messages);
    return records;
  }

  /** Where the live stages go on once the set is in force. */
  async writeCheckpoints(): Promise<void> {
    const { store } = this.#options;
    const { next, foldVersions, sources } = this.#state;
    const inboxGoesOnAt = this.#state.inboxGoesOnAt ?? (await this.#wholeInbox());
    await Promise.all([
      ...next.messages.map((offset, partition) =>
        store.saveCheckpoint('messages', partition, { offset, sources: {}, foldVersion: foldVersions[partition]! }),
      ),
      ...inboxGoesOnAt.map((offset, partition) =>
        store.saveCheckpoint('inbox', partition, { offset, sources: sources[partition]!, foldVersion: 1 }),
      ),
    ]);
    await this.#retry(() => store.durable());
    await this.#save();
  }

  // --- ends

  #endsOf(topic: ReplaySource): Promise<number[]> {
    const { log } = this.#options;
    return this.#retry(() =>
      Promise.all(this.#state.next[topic].map((_, partition) => log.endOffset(topic, partition))),
    );
  }

  /**
   * From the beginning, what is in the set already is dropped by its source. Not so when the beginning was deleted: then the
   * first that comes has a source above what the set lacks, and all of that would be dropped with it. @throws ReplayError
   */
  async #wholeInbox(): Promise<number[]> {
    const { log } = this.#options;
    const starts = await this.#retry(() =>
      Promise.all(this.#state.next.inbox.map((_, partition) => log.startOffset('inbox', partition))),
    );
    if (starts.some((start) => start > 0))
      throw new ReplayError(
        'Not every command was decided yet that inbox has entries of, and the beginning of inbox was deleted: nobody knows where inboxes go on. Start fanout, wait until it has caught up, and replay again.',
      );
    return starts;
  }

  /** Waits a little for the live fanout to get there: its checkpoints are a second behind what it does. */
  async #decidedUpTo(ends: readonly number[]): Promise<number[]> {
    const { runtime, signal, watcher } = this.#options;
    const deadline_ms = runtime.monotonic() + (this.#options.decided_ms_max ?? DECIDED_MS_MAX);
    for (;;) {
      const isLate = runtime.monotonic() > deadline_ms;
      const decided = await this.#retry(() => (isLate ? this.#decided.readTopicsToo() : this.#decided.read()));
      const isThere = ends.every((end, partition) => decided[partition]! >= end);
      if (isThere || isLate) {
        if (!isThere && !this.#isLateTold)
          watcher.note('not every command is decided yet: the new set ends where they end');
        this.#isLateTold ||= !isThere;
        return ends.map((end, partition) =>
          Math.max(this.#state.next.messages[partition]!, Math.min(end, decided[partition]!)),
        );
      }
      await sleep(runtime, DECIDED_POLL_MS, signal);
      signal.throwIfAborted();
    }
  }

  // --- reading

  async #readMessages(): Promise<void> {
    const { from, only, log, watcher } = this.#options;
    const isNumbering = from === 'messages' && only === null;
    const spans = this.#spans('messages');
    watcher.begin('messages', total(spans));
    const reader = new MergedReader(log, 'messages', spans);
    for (let records = await this.#more(reader); records.length > 0; records = await this.#more(reader)) {
      const { timeline, past, entries } = await this.folder.fold(records);
      await this.#write(timeline.length + past.length, () => this.#options.store.writeTimeline(timeline, past));
      this.rows.timeline += timeline.length;
      if (isNumbering) await this.#number(entries);
      await this.#advance('messages', records);
    }
  }

  async #readInbox(): Promise<void> {
    const { log, watcher } = this.#options;
    const spans = this.#spans('inbox');
    watcher.begin('inbox', total(spans));
    const reader = new MergedReader(log, 'inbox', spans);
    for (let records = await this.#more(reader); records.length > 0; records = await this.#more(reader)) {
      await this.#number(records.flatMap((merged) => this.#entryOf(merged) ?? []));
      await this.#advance('inbox', records);
    }
  }

  #more(reader: MergedReader): Promise<MergedRecord[]> {
    this.#options.signal.throwIfAborted();
    return this.#retry(() => reader.read(this.#options.chunk_records ?? CHUNK_RECORDS));
  }

  /** null: a repeat, a canary, or parked. */
  #entryOf({ partition, record: { offset, value } }: MergedRecord): NewEntry | null {
    if (this.#parkedInbox[partition]!.has(offset)) return null;
    const content = this.#decodeInbox(partition, offset, value);
    if (!takeSource(this.#state.sources[partition]!, content.sourcePartition, content.sourcePosition)) return null;
    if (content.type === 'InboxCanary') return null;
    const { conversationId, seq, kind, recipients, joined, left } = content;
    const position = positionOf(this.#options.generation.generation, offset);
    return { conversationId, seq, kind, recipients, joined, left, position };
  }

  #decodeInbox(partition: number, offset: number, value: Uint8Array) {
    try {
      return decodeInboxRecord(value);
    } catch (error) {
      const reason = (error as Error).message;
      const advice = 'Replay with the version that wrote it.';
      throw new ReplayError(`inbox/${partition} record ${offset} cannot be read: ${reason}. ${advice}`, {
        cause: error,
      });
    }
  }

  async #number(entries: readonly NewEntry[]): Promise<void> {
    for (let start = 0; start < entries.length; ) {
      let copies = 0;
      let end = start;
      while (end < entries.length && copies < CHUNK_ROWS) copies += entries[end++]!.recipients.length;
      const numbered = await this.#numberer.number(entries.slice(start, end));
      await this.#writeInbox(numbered);
      start = end;
    }
  }

  async #advance(topic: ReplaySource, records: readonly MergedRecord[]): Promise<void> {
    const { runtime, watcher } = this.#options;
    for (const { partition, record } of records) this.#state.next[topic][partition] = record.offset + 1;
    watcher.advanced(records.length);
    if (runtime.monotonic() - this.#flushedAt_ms >= (this.#options.flush_interval_ms ?? FLUSH_INTERVAL_MS))
      await this.#flush();
  }

  // --- writing

  async #writeInbox({ rows, memberships }: Numbered): Promise<void> {
    await this.#write(rows.length + memberships.length, () => this.#options.store.writeInbox(rows, memberships));
    this.rows.inbox += rows.length;
    this.rows.memberships += memberships.length;
  }

  /** One write is under way while the next one is made. */
  async #write(rows: number, write: () => Promise<void>): Promise<void> {
    await this.#budget.spend(rows, this.#options.signal);
    await this.#writing;
    this.#writing = this.#retry(write);
    this.#writing.catch(() => {}); // met by the next write, or the flush
  }

  async #flush(): Promise<void> {
    await this.#writing;
    await this.#options.record.check();
    await this.#retry(() => this.#numberer.flush());
    // A store that writes behind has an order of its own inside what it writes at once.
    await this.#retry(() => this.#options.store.durable());
    await this.#retry(() => this.folder.flush());
    await this.#retry(() => this.#options.store.durable());
    await this.#save();
    this.#flushedAt_ms = this.#options.runtime.monotonic();
  }

  #save(): Promise<void> {
    this.#state.ordinal = this.folder.ordinal;
    return this.#options.record.save();
  }

  // --- what is left

  /** Topics that are read. With `only` just the one: inboxes follow from all of `messages`, and from one of `inbox`. */
  #topics(): readonly ReplaySource[] {
    const { from, only } = this.#options;
    return only !== null || from === 'messages' ? [from] : ['messages', 'inbox'];
  }

  #partitions(topic: ReplaySource): readonly number[] {
    const { only } = this.#options;
    return numbers(this.#state.next[topic].length).filter((partition) => only === null || only.has(partition));
  }

  #spans(topic: ReplaySource) {
    const { next, ends } = this.#state;
    return this.#partitions(topic).map((partition) => {
      return { partition, from: next[topic][partition]!, to: ends[topic][partition]! };
    });
  }

  #left(): number {
    return this.#topics().reduce((sum, topic) => sum + total(this.#spans(topic)), 0);
  }

  /** Everything below these offsets of `messages` is in the inboxes: the live stage drops what comes from there. */
  #takeSourcesOf(offsets: readonly number[]): void {
    const { generation } = this.#options.generation;
    for (const sources of this.#state.sources)
      for (const [partition, offset] of offsets.entries())
        if (offset > 0) sources[partition] = positionOf(generation, offset - 1);
  }
}

interface Parked {
  readonly messages: readonly ReadonlySet<number>[];
  readonly inbox: readonly ReadonlySet<number>[];
}

function newState(
  tables: number,
  from: ReplaySource,
  only: ReadonlySet<number> | null,
  messages: number,
  inbox: number,
): RebuildState {
  const zeros = (count: number) => numbers(count).map(() => 0);
  return {
    ...{ tables, from, only: only === null ? null : [...only], owner: '', at: 0, ordinal: 0 },
    next: { messages: zeros(messages), inbox: zeros(inbox) },
    ends: { messages: zeros(messages), inbox: zeros(inbox) },
    inboxGoesOnAt: null,
    reaches: [],
    foldVersions: numbers(messages).map(() => FIRST_FOLD_VERSION),
    sources: numbers(inbox).map(() => ({})),
  };
}

/** Where `inbox` ended at the newest pass whose commands are all below `decided`; null: at none. */
function reachedBy(decided: readonly number[], reaches: RebuildState['reaches']): number[] | null {
  const reach = reaches.findLast(({ messages }) => messages.every((end, partition) => end <= decided[partition]!));
  return reach === undefined ? null : [...reach.inbox];
}

function trimmed(topic: ReplaySource, partition: number, start: number): ReplayError {
  const advice =
    topic === 'inbox'
      ? 'Rebuild with --from messages: it numbers inboxes anew, and clients pull again.'
      : 'Restore the topic first: nothing else says what was there.';
  return new ReplayError(`${topic}/${partition} begins at record ${start}: what came before was deleted. ${advice}`);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function total(spans: readonly { readonly from: number; readonly to: number }[]): number {
  return spans.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
}
