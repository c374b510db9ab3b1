// The second half of a rebuild: gives entries their places in inboxes as the inbox stage does, and writes inbox rows,
// memberships and heads. It tells nobody.
import type { EntryKind } from '../events/inbox-records.ts';
import type { Position } from '../events/position.ts';
import { type InboxHead, inboxHeadFrom, takeInboxSeq } from '../inbox/folding.ts';
import type { InboxRow, MembershipRow, StateStore } from '../ports/store/state-store.ts';

/** An event on its way into inboxes. */
export interface NewEntry {
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly recipients: readonly string[];
  readonly joined: readonly string[];
  readonly left: readonly { readonly user: string; readonly joinedSeq: number }[];
  /** Rises from entry to entry of a user. */
  readonly position: Position;
}

export interface Numbered {
  readonly rows: readonly InboxRow[];
  readonly memberships: readonly MembershipRow[];
}

/** 150 bytes each. */
const HEADS_CACHED_MAX = 1_000_000;
const HEADS_AT_ONCE_MAX = 1_000;

export class EntryNumberer {
  readonly #store: StateStore;
  readonly #heads = new Map<string, InboxHead>();
  readonly #dirty = new Set<InboxHead>();
  #isFresh: boolean;

  /** `isFresh`: the set is empty, a user who is not in memory has no inbox. */
  constructor(store: StateStore, isFresh: boolean) {
    this.#store = store;
    this.#isFresh = isFresh;
  }

  /** Numbers the entries, in their order. The caller writes the rows, and calls `flush` after that. */
  async number(entries: readonly NewEntry[]): Promise<Numbered> {
    await this.#load(entries);
    const rows: InboxRow[] = [];
    const memberships: MembershipRow[] = [];
    for (const { conversationId, seq, kind, recipients, joined, left, position } of entries) {
      for (const user of recipients) {
        const head = this.#heads.get(user)!;
        const inboxSeq = takeInboxSeq(head, position);
        if (inboxSeq === 0) continue;
        this.#dirty.add(head);
        rows.push({ user, inboxSeq, conversationId, seq, kind, position });
      }
      for (const user of joined) memberships.push({ user, conversationId, joinedSeq: seq, leftSeq: null, position });
      for (const { user, joinedSeq } of left)
        memberships.push({ user, conversationId, joinedSeq, leftSeq: seq, position });
    }
    return { rows, memberships };
  }

  /** Writes the heads that moved. The rows below them must have been written. */
  async flush(): Promise<void> {
    if (this.#dirty.size > 0) await this.#store.writeHeads([...this.#dirty].map((head) => ({ ...head })));
    this.#dirty.clear();
    if (this.#heads.size <= HEADS_CACHED_MAX) return;
    this.#heads.clear();
    this.#isFresh = false;
  }

  async #load(entries: readonly NewEntry[]): Promise<void> {
    const missing = new Set<string>();
    for (const { recipients } of entries) for (const user of recipients) if (!this.#heads.has(user)) missing.add(user);
    const users = [...missing];
    for (let i = 0; i < users.length; i += HEADS_AT_ONCE_MAX) {
      const some = users.slice(i, i + HEADS_AT_ONCE_MAX);
      const rows = this.#isFresh ? [] : await this.#store.loadHeads(some);
      for (const [j, user] of some.entries()) this.#heads.set(user, inboxHeadFrom(user, rows[j] ?? null));
    }
  }
}
