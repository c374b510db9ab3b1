// The second fold: which place an entry gets in its recipient's inbox. Pure, like the first: a user's entries are
// numbered in the order of the records of one partition of `inbox`, so replaying the partition gives the same numbers.
import type { Position } from '../events/position.ts';
import type { HeadRow } from '../ports/store/state-store.ts';

/** A user's inbox, as far as this partition has been read. */
export interface InboxHead {
  readonly user: string;
  head: number;
  headAsOf: Position;
  minimumSeq: number;
}

export function inboxHeadFrom(user: string, row: HeadRow | null): InboxHead {
  if (row === null) return { user, head: 0, headAsOf: -1, minimumSeq: 1 };
  return { user, head: row.head, headAsOf: row.headAsOf, minimumSeq: row.minimumSeq };
}

/** Numbers one entry; 0 if the record at `position` is in the user's rows already (R6). Works in place. */
export function takeInboxSeq(inbox: InboxHead, position: Position): number {
  if (inbox.headAsOf >= position) return 0;
  inbox.headAsOf = position;
  inbox.head++;
  return inbox.head;
}

/** Highest source position seen, by partition of `messages`: how repeats are known (R5). */
export type Sources = Record<number, Position>;

/** Whether a record from there is new; remembers it if so. Works in place. */
export function takeSource(sources: Sources, partition: number, position: Position): boolean {
  if (position <= (sources[partition] ?? -1)) return false;
  sources[partition] = position;
  return true;
}
