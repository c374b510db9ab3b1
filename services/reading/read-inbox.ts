// Reads one user's inbox: where it ends, and pages of it from a cursor on.
//
// The head row is a LOWER BOUND (it is written behind the rows), so the end is found by reading on from it:
//
//   rows   1 2 3 4 5 6 7 8 . .        head row 5   exact head 8      nothing above 8: `end`
//   rows   1 2 3 . 5 6                head row 6   page ends at 3    a hole, to be filled soon: `wait`
import { limits } from '../kernel/limits.ts';
import type { InboxRow, StateStore } from '../ports/store/state-store.ts';
import type { PageStatus } from '../protocol/frames.ts';

// What a head row lags behind by: one second of one user's entries.
const ROWS_PER_READ = 256;

export interface PulledEntry {
  readonly inboxSeq: number;
  /** The framed Avro timeline event. */
  readonly event: Uint8Array;
}

export interface InboxPage {
  /** Dense, ascending, from the cursor on. */
  readonly entries: readonly PulledEntry[];
  readonly status: PageStatus;
}

/**
 * The greatest inboxSeq of the user up to which no row is missing; 0 for an empty inbox.
 * `from`: an inboxSeq that is known to exist (a delivery named it), never a client's word.
 * @throws StoreError
 */
export async function exactHead(store: StateStore, user: string, from = 0): Promise<number> {
  const [row] = await store.loadHeads([user]);
  let head = Math.max(row?.head ?? 0, from);
  for (;;) {
    const rows = await store.readInbox(user, head + 1, ROWS_PER_READ);
    head += rows.length;
    if (rows.length < ROWS_PER_READ) return head;
  }
}

/**
 * The entries above `after`, at most `limit` (1 to the page limit). It stops early only at a hole or at an event that is
 * not written yet: both pass, so the client asks again (`wait`). A cursor above the head row is nothing special.
 * @throws StoreError
 */
export async function pullInbox(store: StateStore, user: string, after: number, limit: number): Promise<InboxPage> {
  const wanted = Math.max(1, Math.min(limit, limits.page_entries_max));
  const { rows, hole } = await readRows(store, user, after, wanted + 1); // one more tells `more` from `end`
  const more = rows.length > wanted;
  const page = more ? rows.slice(0, wanted) : rows;
  const events = await store.readEvents(page);
  const entries: PulledEntry[] = [];
  for (const [index, row] of page.entries()) {
    const event = events[index];
    if (event === null || event === undefined) return { entries, status: 'wait' };
    entries.push({ inboxSeq: row.inboxSeq, event });
  }
  return { entries, status: more ? 'more' : hole ? 'wait' : 'end' };
}

async function readRows(store: StateStore, user: string, after: number, rows_max: number) {
  const rows: InboxRow[] = [...(await store.readInbox(user, after + 1, rows_max))];
  if (rows.length === rows_max) return { rows, hole: false };
  const [head] = await store.loadHeads([user]);
  if (head === null || head === undefined || after + rows.length >= head.head) return { rows, hole: false };
  // The rows ended below the head: a hole, unless they were written between the two reads, or expired.
  const from = Math.max(after + rows.length + 1, head.minimumSeq);
  rows.push(...(await store.readInbox(user, from, rows_max - rows.length)));
  return { rows, hole: (rows.at(-1)?.inboxSeq ?? after) < head.head };
}
