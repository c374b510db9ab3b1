// Two inboxes that differ somewhere: the same entries in another order, or others?
import type { InboxRow, StateStore } from '../../ports/store/state-store.ts';
import type { Comparison } from './comparison.ts';
import type { EntryAges } from './entry-ages.ts';
import type { OwnDifferences } from './own-differences.ts';

const PAGE_ROWS = 1_000;

/** Where one entry stands; 0: nowhere (yet). */
interface Places {
  readonly rebuilt: number;
  live: number;
}

/** `head`: rebuilt; `liveHead`: read before. What an inbox has twice is a difference. @throws StoreError */
export async function compareEntrySets(
  { live, rebuilt }: Comparison,
  user: string,
  head: number,
  liveHead: number,
  ages: EntryAges,
  own: OwnDifferences,
): Promise<void> {
  const ours = await readUpTo(rebuilt, user, head);
  if (ours.length < head) throw new Error(`the rebuilt inbox of ${user} has a hole at ${ours.length + 1}`);
  const places = new Map<string, Places>();
  for (const row of ours) {
    const name = nameOf(row);
    const first = places.get(name);
    if (first !== undefined)
      return own.different(`${name} is entry ${first.rebuilt} of the rebuilt tables, and entry ${row.inboxSeq} again`);
    places.set(name, { rebuilt: row.inboxSeq, live: 0 });
  }
  const theirs = await readUpTo(live, user, Number.POSITIVE_INFINITY);
  for (const row of theirs) {
    const name = nameOf(row);
    const found = places.get(name);
    if (found !== undefined && found.live > 0)
      return own.different(`${name} is entry ${found.live} of the live tables, and entry ${row.inboxSeq} again`);
    if (found !== undefined) {
      found.live = row.inboxSeq;
      continue;
    }
    const age = await ages.of(row);
    if (age === 'stray') return own.different(`entry ${row.inboxSeq} of the live tables (${name}) is none by the log`);
    if (age === 'undecided') own.undecided();
    places.set(name, { rebuilt: 0, live: row.inboxSeq });
  }
  for (const [name, place] of places)
    if (place.live === 0) return own.missing(`${name} is missing, entry ${place.rebuilt} by the log`);
  if (theirs.length < liveHead) return own.different(holeText(theirs.length + 1, liveHead));
  own.reordered();
}

async function readUpTo(store: StateStore, user: string, head: number): Promise<InboxRow[]> {
  const rows: InboxRow[] = [];
  while (rows.length < head) {
    const wanted = Math.min(PAGE_ROWS, head - rows.length);
    const page = await store.readInbox(user, rows.length + 1, wanted);
    rows.push(...page);
    if (page.length < wanted) break;
  }
  return rows;
}

export function nameOf({ conversationId, seq, kind }: InboxRow): string {
  return `${conversationId}/${seq} ${kind}`;
}

export function holeText(inboxSeq: number, liveHead: number): string {
  return `entry ${inboxSeq} is missing in the live tables, below their head at ${liveHead}`;
}
