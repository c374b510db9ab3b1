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
//
// No more rows are read than the page asks for, and never more than a bound: nothing else runs meanwhile. What the bound
// hides is hidden until the state has moved on, a second or two.
import { decodeTimelineEvent, schemaIdOf } from '../events/codec.ts';
import { usersOfDirect } from '../events/ids.ts';
import { readSchemaFiles } from '../events/schema-files.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { ReaderView, StateStore } from '../ports/store/state-store.ts';
import type { PageStatus } from '../protocol/frames.ts';
import { applyEvent, clip, type Interval, intervalsOf } from './reader-intervals.ts';

// State rows lag by a second at most: a busy conversation's messages of that time.
const ROWS_PER_READ = 256;
/** Rows above the state that one request looks at: some milliseconds. */
const ROWS_ABOVE_MAX = 4_096;

const MESSAGE_SCHEMAS = new Set(
  readSchemaFiles()
    .filter(({ name }) => name === 'MessageSent')
    .map(({ id }) => id),
);

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
  /**
   * What comes above `end`: nothing (or nothing that the page could want); rows beyond a hole, which wait for it; or rows
   * that were not looked at.
   */
  readonly above: 'nothing' | 'hole' | 'unseen';
}

/** @throws StoreError */
export async function readHistory(
  store: StateStore,
  conversationId: string,
  reader: string,
  range: HistoryRange,
): Promise<HistoryPage | Refusal> {
  const limit = Math.max(1, Math.min(range.limit, limits.page_entries_max));
  const visible = await readVisible(store, conversationId, reader, (intervals, end) => {
    if (range.after === undefined) return range.before !== undefined && range.before <= end + 1;
    return seqsIn(clip(intervals, range.after + 1, end)) > limit; // one more tells `more` from `end`
  });
  if ('code' in visible) return visible;
  if (range.after === undefined) return readDown(store, conversationId, visible, range.before, limit);
  return readUp(store, conversationId, visible, range.after, limit);
}

async function readVisible(
  store: StateStore,
  conversationId: string,
  reader: string,
  enough: (intervals: readonly Interval[], end: number) => boolean,
): Promise<Visible | Refusal> {
  const direct = usersOfDirect(conversationId);
  if (direct !== null && !direct.includes(reader)) return refusal('not_a_member');
  const view = await store.readReader(conversationId, reader);
  const seq = view?.row.seq ?? 0;
  if (direct !== null) {
    const intervals = [{ from: 1, to: Number.POSITIVE_INFINITY }];
    return {
      intervals,
      ...(await readAbove(
        store,
        conversationId,
        seq,
        ROWS_ABOVE_MAX,
        () => {},
        (end) => enough(intervals, end),
      )),
    };
  }
  const intervals = intervalsOfGroup(view);
  const known = intervals.length > 0 || (await isMembership(store, conversationId, reader));
  // Nothing was pushed to a stranger yet: a join among the newest rows is looked for, not at any cost.
  const rows_max = known ? ROWS_ABOVE_MAX : ROWS_PER_READ;
  const above = await readAbove(
    store,
    conversationId,
    seq,
    rows_max,
    (event) => {
      if (!MESSAGE_SCHEMAS.has(schemaIdOf(event))) applyEvent(intervals, reader, decodeTimelineEvent(event));
    },
    (end) => intervals.length > 0 && enough(intervals, end),
  );
  if (intervals.length > 0) return { intervals, ...above };
  // The join was pushed before its row was written, or before it could be seen: it comes soon.
  if (known) return { intervals, end: above.end, above: 'hole' };
  return refusal(view === null && above.end === 0 ? 'conversation_not_found' : 'not_a_member');
}

/** The reader's own rows know a join before it is pushed. */
async function isMembership(store: StateStore, conversationId: string, reader: string): Promise<boolean> {
  return (await store.readMemberships(reader)).some((row) => row.conversationId === conversationId);
}

function intervalsOfGroup(view: ReaderView | null): Interval[] {
  return view === null ? [] : intervalsOf(view);
}

function seqsIn(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** Reads the rows above `seq` without a hole and shows each to `onEvent`, until `enough`, or `rows_max` were read. */
async function readAbove(
  store: StateStore,
  conversationId: string,
  seq: number,
  rows_max: number,
  onEvent: (event: Uint8Array) => void,
  enough: (end: number) => boolean,
): Promise<Pick<Visible, 'end' | 'above'>> {
  let end = seq;
  while (!enough(end)) {
    if (end - seq >= rows_max) return { end, above: 'unseen' };
    const rows = await store.readTimeline(conversationId, end + 1, end + ROWS_PER_READ, ROWS_PER_READ, 'ascending');
    for (const row of rows) {
      if (row.seq !== end + 1) return { end, above: 'hole' };
      onEvent(row.event);
      end = row.seq;
    }
    if (rows.length < ROWS_PER_READ) return { end, above: 'nothing' };
  }
  return { end, above: 'nothing' };
}

async function readUp(
  store: StateStore,
  conversationId: string,
  { intervals, end, above }: Visible,
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
  return { events, status: above === 'nothing' ? 'end' : 'wait' };
}

async function readDown(
  store: StateStore,
  conversationId: string,
  { intervals, end, above }: Visible,
  before: number | undefined,
  limit: number,
): Promise<HistoryPage> {
  // Asked for what stands above the hole: it begins with what cannot be shown yet.
  if (above === 'hole' && before === undefined) return { events: [], status: 'wait' };
  if (above !== 'nothing' && before !== undefined && before > end + 1) return { events: [], status: 'wait' };
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
