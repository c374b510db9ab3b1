// A page of a conversation's history, as far as one reader may see it.
//
// Timeline rows are written before state rows, so rows ABOVE the state's seq exist. They are read first: a join, leave or
// removal of the reader among them counts, and nothing above the last of them is served, because what was not looked at
// may be a removal.
//
//   state  seq 5, reader is a member since 2
//   rows   1 2 3 4 5 6 7 8 . 10       7 removes the reader: [2, 7] is served; above 8 is a hole: nobody sees 10 yet
//
// So nothing that was pushed to the reader is unreadable, and nothing after a removal leaks.
import { decodeTimelineEvent } from '../events/codec.ts';
import { usersOfDirect } from '../events/ids.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { ReaderView, StateStore } from '../ports/store/state-store.ts';
import type { PageStatus } from '../protocol/frames.ts';
import { applyEvent, clip, type Interval, intervalsOf } from './reader-intervals.ts';

// State rows lag by a second at most: a busy conversation's messages of that time.
const ROWS_PER_READ = 256;

/** Exactly one of `before` (exclusive, newest first) and `after` (exclusive, oldest first); neither: the newest. */
export interface HistoryRange {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface HistoryPage {
  /** Framed Avro timeline events, in the order asked for, without a hole inside what the reader may see. */
  readonly events: readonly Uint8Array[];
  /** `wait`: it stopped at an event that is not written yet; ask again after a pause. */
  readonly status: PageStatus;
}

interface Visible {
  readonly intervals: readonly Interval[];
  /** Every row up to here is written. */
  readonly end: number;
  /** Rows exist above `end`, beyond a hole. */
  readonly hole: boolean;
}

/** @throws StoreError */
export async function readHistory(
  store: StateStore,
  conversationId: string,
  reader: string,
  range: HistoryRange,
): Promise<HistoryPage | Refusal> {
  const visible = await readVisible(store, conversationId, reader);
  if ('code' in visible) return visible;
  const limit = Math.max(1, Math.min(range.limit, limits.page_entries_max));
  if (range.after === undefined) return readDown(store, conversationId, visible, range.before, limit);
  return readUp(store, conversationId, visible, range.after, limit);
}

async function readVisible(store: StateStore, conversationId: string, reader: string): Promise<Visible | Refusal> {
  const direct = usersOfDirect(conversationId);
  if (direct !== null && !direct.includes(reader)) return refusal('not_a_member');
  const view = await store.readReader(conversationId, reader);
  const intervals = direct === null ? intervalsOfGroup(view) : [{ from: 1, to: Number.POSITIVE_INFINITY }];
  const { end, hole } = await readAbove(store, conversationId, view?.row.seq ?? 0, (event) => {
    if (direct === null) applyEvent(intervals, reader, decodeTimelineEvent(event));
  });
  if (intervals.length > 0) return { intervals, end, hole };
  // The join may have been pushed before its row was written: then the reader's own rows know it, and it comes soon.
  const memberships = await store.readMemberships(reader);
  if (memberships.some((row) => row.conversationId === conversationId)) return { intervals, end, hole: true };
  return refusal(view === null && end === 0 ? 'conversation_not_found' : 'not_a_member');
}

function intervalsOfGroup(view: ReaderView | null): Interval[] {
  return view === null ? [] : intervalsOf(view);
}

/** Reads the rows above `seq` without a hole and shows each to `onEvent`. */
async function readAbove(store: StateStore, conversationId: string, seq: number, onEvent: (event: Uint8Array) => void) {
  let end = seq;
  for (;;) {
    const rows = await store.readTimeline(conversationId, end + 1, end + ROWS_PER_READ, ROWS_PER_READ, 'ascending');
    for (const row of rows) {
      if (row.seq !== end + 1) return { end, hole: true };
      onEvent(row.event);
      end = row.seq;
    }
    if (rows.length < ROWS_PER_READ) return { end, hole: false };
  }
}

async function readUp(
  store: StateStore,
  conversationId: string,
  { intervals, end, hole }: Visible,
  after: number,
  limit: number,
): Promise<HistoryPage> {
  const events: Uint8Array[] = [];
  for (const { from, to } of clip(intervals, after + 1, end)) {
    if (events.length === limit) return { events, status: 'more' };
    const last = Math.min(to, from + limit - events.length - 1);
    const rows = await store.readTimeline(conversationId, from, last, limit - events.length, 'ascending');
    let next = from;
    for (const row of rows) {
      if (row.seq !== next) break;
      events.push(row.event);
      next++;
    }
    if (next <= last) return { events, status: 'wait' };
    if (last < to) return { events, status: 'more' };
  }
  return { events, status: hole ? 'wait' : 'end' };
}

async function readDown(
  store: StateStore,
  conversationId: string,
  { intervals, end, hole }: Visible,
  before: number | undefined,
  limit: number,
): Promise<HistoryPage> {
  // Asked for what stands above the hole: it begins with what cannot be shown yet.
  if (hole && (before === undefined || before > end + 1)) return { events: [], status: 'wait' };
  const events: Uint8Array[] = [];
  for (const { from, to } of clip(intervals, 1, before === undefined ? end : Math.min(before - 1, end)).reverse()) {
    if (events.length === limit) return { events, status: 'more' };
    const first = Math.max(from, to - (limit - events.length) + 1);
    const rows = await store.readTimeline(conversationId, first, to, limit - events.length, 'descending');
    let next = to;
    for (const row of rows) {
      if (row.seq !== next) break;
      events.push(row.event);
      next--;
    }
    if (next >= first) return { events, status: 'wait' };
    if (first > from) return { events, status: 'more' };
  }
  return { events, status: 'end' };
}
