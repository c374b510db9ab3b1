// One user's inbox and memberships: live against rebuilt, row for row.
import { partitionOf } from '../../events/partition.ts';
import type { InboxRow } from '../../ports/store/state-store.ts';
import { compareEntrySets, holeText, nameOf } from './compare-entry-sets.ts';
import { compareMemberships } from './compare-memberships.ts';
import type { Compared, Comparison } from './comparison.ts';
import type { Differences } from './differences.ts';
import { EntryAges } from './entry-ages.ts';
import { OwnDifferences } from './own-differences.ts';
import { type Digests, RowDigest } from './row-digest.ts';

const PAGE_ROWS = 1_000;
/** Looked at behind the rebuilt head, in one read: live tables are ahead by what came since the last pass. */
const BEYOND_ROWS_MAX = 100;

/** `head`: of the rebuilt inbox, which is exact. @throws StoreError */
export async function compareInbox(
  comparison: Comparison,
  user: string,
  head: number,
  differences: Differences,
): Promise<Compared> {
  const partition = partitionOf(user, comparison.cut.inbox.length);
  const own = new OwnDifferences(comparison.liveIsThere.inbox[partition]!);
  const ages = new EntryAges(comparison);
  const digests = { live: new RowDigest(), rebuilt: new RowDigest() };
  const liveHead = await compareHead(comparison, user, own);
  await compareRows(comparison, user, { head, liveHead }, ages, own, digests);
  await compareMemberships(comparison, user, ages, own, digests);
  for (const sentence of own.sentences) differences.add(`inbox of ${user}: ${sentence}`);
  const rows = digests.rebuilt.rows;
  return { verdict: own.verdict, rows, digest: digests.rebuilt.end(), liveDigest: digests.live.end() };
}

/**
 * A live inbox that the rebuilt set does not have: resolves with true if the log gives it none either. `undecided` gets
 * the user if only a later look can tell. @throws StoreError
 */
export async function compareUnknownInbox(
  comparison: Comparison,
  user: string,
  differences: Differences,
  undecided: string[] = [],
): Promise<boolean> {
  const own = new OwnDifferences(true);
  const liveHead = await compareHead(comparison, user, own);
  await findStray(comparison, user, { head: 0, liveHead }, new EntryAges(comparison), own);
  for (const sentence of own.sentences) differences.add(`inbox of ${user}: ${sentence}`);
  if (own.verdict === 'behind') undecided.push(user);
  return own.verdict === 'different';
}

interface Heads {
  /** Of the rebuilt inbox, which is exact. */
  readonly head: number;
  /** Of the live one, a lower bound. */
  readonly liveHead: number;
}

async function compareRows(
  comparison: Comparison,
  user: string,
  heads: Heads,
  ages: EntryAges,
  own: OwnDifferences,
  digests: Digests,
): Promise<void> {
  const { live, rebuilt, isReorderable } = comparison;
  const { head, liveHead } = heads;
  for (let next = 1; next <= head; next += PAGE_ROWS) {
    const rows_max = Math.min(PAGE_ROWS, head - next + 1);
    const [ours, theirs] = await Promise.all([
      rebuilt.readInbox(user, next, rows_max),
      live.readInbox(user, next, rows_max),
    ]);
    for (const row of ours) addRow(digests.rebuilt, row);
    for (const row of theirs) addRow(digests.live, row);
    if (ours.length < rows_max) throw new Error(`the rebuilt inbox of ${user} has a hole at ${next + ours.length}`);
    for (const [i, row] of ours.entries()) {
      const found = theirs[i];
      if (found === undefined) return own.missing(`entry ${next + i} (${nameOf(row)}) is missing`);
      if (isSame(row, found)) continue;
      if (isReorderable) return compareEntrySets(comparison, user, head, liveHead, ages, own);
      return own.different(`entry ${next + i} is ${nameOf(found)} in the live tables, ${nameOf(row)} by the log`);
    }
  }
  await findStray(comparison, user, heads, ages, own);
}

/** Behind the end of the rebuilt inbox may stand only what is newer than it, and up to the live head without a hole. */
async function findStray(
  { live }: Comparison,
  user: string,
  { head, liveHead }: Heads,
  ages: EntryAges,
  own: OwnDifferences,
): Promise<void> {
  const rows = await live.readInbox(user, head + 1, BEYOND_ROWS_MAX);
  for (const row of rows) {
    const age = await ages.of(row);
    if (age === 'undecided') own.undecided();
    if (age !== 'stray') continue;
    if (head === 0) return own.different('it is in the live tables, and the log gives it no entry');
    return own.different(`entry ${row.inboxSeq} (${nameOf(row)}) is in the live tables, and the log has no such entry`);
  }
  const next = head + rows.length + 1;
  if (rows.length < BEYOND_ROWS_MAX && next <= liveHead) own.different(holeText(next, liveHead));
}

/**
 * The live head is a lower bound: the entry that it names is there. Resolves with it; with 0 if there is none, or if it
 * is wrong. Before the rows: they are written before it.
 */
async function compareHead({ live }: Comparison, user: string, own: OwnDifferences): Promise<number> {
  const [row] = await live.loadHeads([user]);
  if (row === null || row === undefined || row.head < row.minimumSeq) return 0;
  const [entry] = await live.readInbox(user, row.head, 1);
  if (entry !== undefined) return row.head;
  own.different(`its head is ${row.head} in the live tables, and there is no such entry`);
  return 0;
}

/** Positions are not compared: they only order writes, and those of a set that came from `messages` are its own. */
function isSame(a: InboxRow, b: InboxRow): boolean {
  return a.conversationId === b.conversationId && a.seq === b.seq && a.kind === b.kind;
}

function addRow(digest: RowDigest, { inboxSeq, conversationId, seq, kind }: InboxRow): void {
  digest.add(inboxSeq, conversationId, seq, kind);
}
