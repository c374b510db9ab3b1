// What the two comparisons share: the two sets, how far the rebuilt one is, and what they come to.
import type { Position } from '../../events/position.ts';
import type { StateStore } from '../../ports/store/state-store.ts';
import type { AwaitedConversations } from './awaited-conversations.ts';

export interface Comparison {
  readonly live: StateStore;
  readonly rebuilt: StateStore;
  /**
   * The two were numbered in orders of their own: from `messages`, or live tables that once were. Then entries are compared
   * as a set where their order differs, and what is newer is known by its seq, not by its position.
   */
  readonly isReorderable: boolean;
  /** The rebuilt inboxes are made from the topic `inbox`, up to the cut there; else from `messages`. */
  readonly isFromInbox: boolean;
  /** By partition: the position of the last record that is in the rebuilt set; below 0 for none. */
  readonly cut: { readonly messages: readonly Position[]; readonly inbox: readonly Position[] };
  /** By partition: whether the live stage says, by its checkpoint, that it is as far as the cut. */
  readonly liveIsThere: { readonly messages: readonly boolean[]; readonly inbox: readonly boolean[] };
  /** For as long as the whole comparison takes. */
  readonly awaited: AwaitedConversations;
}

/**
 * equal: row for row, up to the cut
 * reordered: the same entries, in another order: what a new epoch is for
 * behind: equal as far as the live tables go, and they do not go as far yet; or a row of theirs is not to be told yet
 * moving: the live row is ahead of the cut; to be compared when the rebuild gets there (conversations)
 * different: in words, in the differences
 */
export type Verdict = 'equal' | 'reordered' | 'behind' | 'moving' | 'different';

export interface Compared {
  readonly verdict: Verdict;
  readonly rows: number;
  /** Of the rebuilt rows. */
  readonly digest: string;
  /** Of the live ones, up to the same place. */
  readonly liveDigest: string;
}
