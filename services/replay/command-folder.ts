// The first half of a rebuild: folds commands as the fanout stage does, and writes timelines, conversations and members.
// It appends nothing and tells nobody.
import { decodeMessagesRecord, encodeTimelineEvent } from '../events/codec.ts';
import type { Command } from '../events/commands.ts';
import { compareIds } from '../events/ids.ts';
import { positionOf } from '../events/position.ts';
import {
  type ConversationState,
  foldOfVersion,
  loadConversation,
  staticRowOf,
  unbornConversation,
} from '../fanout/folding.ts';
import type { Breather } from '../kernel/breather.ts';
import type {
  ConversationFlush,
  ConversationRow,
  PastMemberRow,
  StateStore,
  TimelineRow,
} from '../ports/store/state-store.ts';
import type { NewEntry } from './entry-numberer.ts';
import type { MergedRecord } from './merged-reader.ts';
import { ReplayError } from './replay-error.ts';

export interface CommandFolderOptions {
  /** Of the set that is rebuilt. */
  readonly store: StateStore;
  readonly generation: number;
  /** By partition of `messages`: offsets that an operator parked. */
  readonly parked: readonly ReadonlySet<number>[];
  /** By partition: the fold version in force. Changed in place. */
  readonly foldVersions: number[];
  /** Records that were merged before. */
  readonly ordinal: number;
  /** The set is empty: what is not in memory does not exist. */
  readonly isFresh: boolean;
  readonly breather: Breather;
}

/** What one call came to. */
export interface Folded {
  readonly timeline: readonly TimelineRow[];
  readonly past: readonly PastMemberRow[];
  /** In the order of the merged log; their positions are ordinals of it, in generation 0: below every real one. */
  readonly entries: readonly NewEntry[];
}

interface Cached {
  readonly state: ConversationState;
  readonly touched: Set<string>;
}

/** A state is about 1 kB, a remembered id 120 bytes: some 300 MB at most. */
const CONVERSATIONS_CACHED_MAX = 50_000;
const IDS_CACHED_MAX = 2_000_000;
const LOADS_AT_ONCE_MAX = 64;

export class CommandFolder {
  /** Called with the state of a conversation right after each of its commands. */
  onFolded: (state: ConversationState) => void = () => {};
  readonly #options: CommandFolderOptions;
  readonly #conversations = new Map<string, Cached>();
  readonly #dirty = new Set<Cached>();
  #isFresh: boolean;
  #ordinal: number;

  constructor(options: CommandFolderOptions) {
    this.#options = options;
    this.#isFresh = options.isFresh;
    this.#ordinal = options.ordinal;
  }

  get ordinal(): number {
    return this.#ordinal;
  }

  /** Decides the records, in their order. The caller writes what they came to, and calls `flush` after that. */
  async fold(records: readonly MergedRecord[]): Promise<Folded> {
    const decoded = records.map((merged) => ({ ...merged, content: this.#decode(merged) }));
    const ids = decoded.flatMap(({ content }) => (content !== null && 'conversationId' in content ? content : []));
    await this.#load(new Set(ids.map(({ conversationId }) => conversationId)));
    const folded = { timeline: [] as TimelineRow[], past: [] as PastMemberRow[], entries: [] as NewEntry[] };
    for (const { partition, record, content } of decoded) {
      this.#ordinal++;
      if (content === null) continue;
      if (content.type === 'FoldVersion') this.#options.foldVersions[partition] = content.version;
      else if (content.type !== 'Canary') this.#decide(partition, record, content, folded);
    }
    return folded;
  }

  /** Writes the conversations that were touched, and forgets some. Whatever they say must have been written. */
  async flush(): Promise<void> {
    const { store } = this.#options;
    await store.flushConversations([...this.#dirty].map(flushOf));
    for (const { touched } of this.#dirty) touched.clear();
    this.#dirty.clear();
    let ids = 0;
    for (const { state } of this.#conversations.values()) ids += state.remembered.size;
    if (this.#conversations.size <= CONVERSATIONS_CACHED_MAX && ids <= IDS_CACHED_MAX) return;
    this.#conversations.clear();
    this.#isFresh = false;
  }

  #decode({ partition, record }: MergedRecord) {
    if (this.#options.parked[partition]!.has(record.offset)) return null;
    try {
      return decodeMessagesRecord(record.value);
    } catch (error) {
      throw new ReplayError(
        `messages/${partition} record ${record.offset} cannot be read: ${(error as Error).message}. ` +
          'Replay with the version that wrote it.',
        { cause: error },
      );
    }
  }

  async #load(conversationIds: ReadonlySet<string>): Promise<void> {
    const missing = [...conversationIds].filter((id) => !this.#conversations.has(id));
    const { store, breather } = this.#options;
    for (let i = 0; i < missing.length; i += LOADS_AT_ONCE_MAX) {
      const states = await Promise.all(
        missing
          .slice(i, i + LOADS_AT_ONCE_MAX)
          .map((id) => (this.#isFresh ? unbornConversation(id) : loadConversation(store, id, breather))),
      );
      for (const state of states) this.#conversations.set(state.conversationId, { state, touched: new Set() });
    }
  }

  #decide(
    partition: number,
    { offset, appendTime }: MergedRecord['record'],
    command: Command,
    folded: { timeline: TimelineRow[]; past: PastMemberRow[]; entries: NewEntry[] },
  ): void {
    const position = positionOf(this.#options.generation, offset);
    const cached = this.#conversations.get(command.conversationId)!;
    const { state } = cached;
    if (state.asOf >= position) return; // written before a crash, and its entries with it
    const version = this.#options.foldVersions[partition]!;
    const fold = foldOfVersion(version);
    if (fold === undefined)
      throw new ReplayError(`messages/${partition} asks for fold version ${version} at ${offset}: upgrade first.`);
    const { event, recipients, joined, ended, touched } = fold(state, command, { position, appendTime });
    if (state.kind !== null) {
      this.#dirty.add(cached);
      for (const user of touched) cached.touched.add(user);
      this.onFolded(state);
    }
    if (event === null) return;
    const { conversationId, seq, ordinal, sender, commandId, time, type: kind } = event;
    const bytes = encodeTimelineEvent(event);
    folded.timeline.push({ conversationId, seq, ordinal, sender, commandId, time, position, event: bytes });
    for (const { user, joinedSeq } of ended)
      folded.past.push({ conversationId, user, joinedSeq, leftSeq: seq, position });
    folded.entries.push({ conversationId, seq, kind, recipients, joined, left: ended, position: this.#ordinal });
  }
}

/** The whole row as the store gives it. */
export function conversationRowOf(state: ConversationState): ConversationRow {
  const members = [...state.members.values()].sort((a, b) => compareIds(a.user, b.user));
  return { ...staticRowOf(state), members };
}

function flushOf({ state, touched }: Cached): ConversationFlush {
  return {
    row: staticRowOf(state),
    members: new Map([...touched].map((user) => [user, state.members.get(user) ?? null])),
  };
}
