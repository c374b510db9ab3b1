// What one reader may see of one conversation, as intervals of seq, both ends included.
//
//   joined at 3, removed at 7, added again at 12:   [3, 7] [12, ∞)
import type { TimelineEvent } from '../events/timeline-events.ts';
import type { ReaderView } from '../ports/store/state-store.ts';

export interface Interval {
  readonly from: number;
  /** Infinity while the reader is a member. */
  readonly to: number;
}

/** What the state rows say: the memberships that ended, and the present one. Ascending. */
export function intervalsOf(view: ReaderView): Interval[] {
  const intervals = view.past.map(({ joinedSeq, leftSeq }) => ({ from: joinedSeq, to: leftSeq }));
  const { member } = view;
  // `past_member` rows are written before the state rows: the member row may be of a membership that has ended.
  if (member !== null && !intervals.some(({ from }) => from === member.joinedSeq)) {
    intervals.push({ from: member.joinedSeq, to: Number.POSITIVE_INFINITY });
  }
  return intervals.sort((a, b) => a.from - b.from);
}

/** Applies an event that the state rows may not have yet. Applying one that they have changes nothing. */
export function applyEvent(intervals: Interval[], reader: string, event: TimelineEvent): void {
  if (joins(event, reader)) {
    if (intervals.every(({ to }) => to < event.seq)) intervals.push({ from: event.seq, to: Number.POSITIVE_INFINITY });
  } else if (leaves(event, reader)) {
    const last = intervals.findLastIndex(({ from }) => from <= event.seq);
    const interval = intervals[last];
    if (interval !== undefined && interval.to > event.seq) intervals[last] = { from: interval.from, to: event.seq };
  }
}

function joins(event: TimelineEvent, reader: string): boolean {
  return (event.type === 'ConversationCreated' || event.type === 'MembersAdded') && event.members.includes(reader);
}

function leaves(event: TimelineEvent, reader: string): boolean {
  if (event.type === 'MemberRemoved') return event.member === reader;
  return event.type === 'MemberLeft' && event.sender === reader;
}

/** The parts of the intervals within [from, to], ascending. */
export function clip(intervals: readonly Interval[], from: number, to: number): Interval[] {
  return intervals
    .map((interval) => ({ from: Math.max(interval.from, from), to: Math.min(interval.to, to) }))
    .filter((interval) => interval.from <= interval.to);
}
