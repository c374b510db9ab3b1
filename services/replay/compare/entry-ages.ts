// Whether something that only the live tables have was decided after what the rebuilt set was made from.
import { partitionOf } from '../../events/partition.ts';
import type { InboxRow } from '../../ports/store/state-store.ts';
import type { Comparison } from './comparison.ts';

/**
 * newer: from above the cut
 * stray: from below it, and the log does not give it; or the log never made its conversation
 * undecided: neither set has its conversation (yet)
 */
export type Age = 'newer' | 'stray' | 'undecided';

/** Of one user's entries and memberships. */
export class EntryAges {
  readonly #comparison: Comparison;
  /** By conversation: a seq that is newer, and then those above it are. Users have many entries of few of them. */
  readonly #newerFrom = new Map<string, number>();

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
  }

  /** @throws StoreError */
  async of(entry: Pick<InboxRow, 'user' | 'conversationId' | 'seq' | 'position'>): Promise<Age> {
    const { isReorderable, isFromInbox, cut } = this.#comparison;
    const { user, conversationId, seq, position } = entry;
    const isBehindCut = position > cut.inbox[partitionOf(user, cut.inbox.length)]!;
    if (!isReorderable) return isBehindCut ? 'newer' : 'stray';
    // The inboxes end before the conversations do. What was numbered from `messages` has positions below all of `inbox`.
    if (isFromInbox && isBehindCut) return 'newer';
    if (seq >= (this.#newerFrom.get(conversationId) ?? Number.POSITIVE_INFINITY)) return 'newer';
    const age = await this.#bySeq(conversationId, seq);
    if (age === 'newer') this.#newerFrom.set(conversationId, seq);
    return age;
  }

  async #bySeq(conversationId: string, seq: number): Promise<Age> {
    const { live, rebuilt, cut, awaited } = this.#comparison;
    const ours = await rebuilt.loadConversation(conversationId);
    if (ours !== null) return seq > ours.seq ? 'newer' : 'stray';
    const theirs = await live.loadConversation(conversationId);
    if (theirs === null) return awaited.isOverdue(conversationId) ? 'stray' : 'undecided';
    return theirs.asOf > cut.messages[partitionOf(conversationId, cut.messages.length)]! ? 'newer' : 'stray';
  }
}
