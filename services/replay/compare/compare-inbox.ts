// One user's inbox and memberships: live against rebuilt, row for row.
import { partitionOf } from '../../events/partition.ts';
import type { InboxRow, MembershipRow, StateStore } from '../../ports/store/state-store.ts';
import type { Compared, Comparison, Verdict } from './comparison.ts';
import type { Differences } from './differences.ts';
import { RowDigest } from './row-digest.ts';

const PAGE_ROWS = 1_000;

/** `head`: of the rebuilt inbox, which is exact. @throws StoreError */
export async function compareInbox(
  comparison: Comparison,
  user: string,
  head: number,
  differences: Differences,
): Promise<Compared> {
  const partition = partitionOf(user, comparison.cut.inbox.length);
  const own = new OwnDifferences(comparison.liveIsThere.inbox[partition]!);
  const digests = { live: new RowDigest(), rebuilt: new RowDigest() };
  await compareRows(comparison, user, head, own, digests);
  if (own.verdict === 'equal') await findStray(comparison, user, head, partition, own);
  await compareHead(comparison, user, own);
  await compareMemberships(comparison, user, partition, own, digests);
  for (const sentence of own.sentences) differences.add(`inbox of ${user}: ${sentence}`);
  const rows = digests.rebuilt.rows;
  return { verdict: own.verdict, rows, digest: digests.rebuilt.end(), liveDigest: digests.live.end() };
}

/** A live inbox that the rebuilt set does not have: whether the log gives it none either. @throws StoreError */
export async function compareUnknownInbox(
  comparison: Comparison,
  user: string,
  differences: Differences,
): Promise<boolean> {
  const { live, rebuilt, isReorderable, cut } = comparison;
  const [first] = await live.readInbox(user, 1, 1);
  if (first === undefined) return false;
  const isNewer = isReorderable
    ? await isAboveCut(rebuilt, first)
    : first.position > cut.inbox[partitionOf(user, cut.inbox.length)]!;
  if (!isNewer) differences.add(`inbox of ${user}: it is in the live tables, and the log gives it no entry`);
  return !isNewer;
}

/** The first difference says enough: what comes behind it is usually shifted. */
class OwnDifferences {
  readonly sentences: string[] = [];
  verdict: Verdict = 'equal';
  readonly #isThere: boolean;

  constructor(isThere: boolean) {
    this.#isThere = isThere;
  }

  different(sentence: string): void {
    this.verdict = 'different';
    this.sentences.push(sentence);
  }

  /** The live tables may get it yet. */
  missing(sentence: string): void {
    if (this.#isThere) this.different(sentence);
    else if (this.verdict === 'equal') this.verdict = 'behind';
  }
}

interface Digests {
  readonly live: RowDigest;
  readonly rebuilt: RowDigest;
}

async function compareRows(
  { live, rebuilt, isReorderable }: Comparison,
  user: string,
  head: number,
  own: OwnDifferences,
  digests: Digests,
): Promise<void> {
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
      if (isReorderable) return compareSets(live, rebuilt, user, head, own);
      return own.different(`entry ${next + i} is ${nameOf(found)} in the live tables, ${nameOf(row)} by the log`);
    }
  }
}

/** The same entries in another order, or others? */
async function compareSets(live: StateStore, rebuilt: StateStore, user: string, head: number, own: OwnDifferences) {
  const wanted = new Map((await readUpTo(rebuilt, user, head)).map((row) => [nameOf(row), row]));
  for (const row of await readUpTo(live, user, Number.POSITIVE_INFINITY)) {
    if (wanted.delete(nameOf(row))) continue;
    if (!(await isAboveCut(rebuilt, row)))
      return own.different(`entry ${row.inboxSeq} of the live tables (${nameOf(row)}) is none by the log`);
  }
  const [missing] = wanted.values();
  if (missing !== undefined) return own.missing(`${nameOf(missing)} is missing, entry ${missing.inboxSeq} by the log`);
  own.verdict = 'reordered';
}

/** Behind the end of the rebuilt inbox may stand only what is newer than it. */
async function findStray(comparison: Comparison, user: string, head: number, partition: number, own: OwnDifferences) {
  const { live, rebuilt, isReorderable, cut } = comparison;
  const [row] = await live.readInbox(user, head + 1, 1);
  if (row === undefined) return;
  const isNewer = isReorderable ? await isAboveCut(rebuilt, row) : row.position > cut.inbox[partition]!;
  if (!isNewer)
    own.different(`entry ${row.inboxSeq} (${nameOf(row)}) is in the live tables, and the log has no such entry`);
}

/** The live head is a lower bound: the entry that it names is there. */
async function compareHead({ live }: Comparison, user: string, own: OwnDifferences): Promise<void> {
  const [row] = await live.loadHeads([user]);
  if (row === null || row === undefined || row.head < row.minimumSeq) return;
  const [entry] = await live.readInbox(user, row.head, 1);
  if (entry === undefined) own.different(`its head is ${row.head} in the live tables, and there is no such entry`);
}

async function compareMemberships(
  { live, rebuilt, isReorderable, cut }: Comparison,
  user: string,
  partition: number,
  own: OwnDifferences,
  digests: Digests,
): Promise<void> {
  const [ours, theirs] = await Promise.all([rebuilt.readMemberships(user), live.readMemberships(user)]);
  const byId = new Map(theirs.map((row) => [row.conversationId, row]));
  const isNewer = async (row: MembershipRow) =>
    isReorderable
      ? isAboveCut(rebuilt, { conversationId: row.conversationId, seq: row.leftSeq ?? row.joinedSeq })
      : row.position > cut.inbox[partition]!;
  for (const row of [...ours].sort(byConversation)) {
    const found = byId.get(row.conversationId);
    byId.delete(row.conversationId);
    addMembership(digests.rebuilt, row);
    const isEqual = found !== undefined && spanOf(found) === spanOf(row);
    if (isEqual || (found !== undefined && (await isNewer(found)))) addMembership(digests.live, row);
    else if (found === undefined) own.missing(`the membership in ${row.conversationId} (${spanOf(row)}) is missing`);
    else
      own.missing(
        `the membership in ${row.conversationId} is ${spanOf(found)} in the live tables, ${spanOf(row)} by the log`,
      );
  }
  for (const row of byId.values())
    if (!(await isNewer(row)))
      own.different(
        `the membership in ${row.conversationId} (${spanOf(row)}) is in the live tables, and none by the log`,
      );
}

/** Decided after what the rebuilt set was made from. */
async function isAboveCut(rebuilt: StateStore, { conversationId, seq }: { conversationId: string; seq: number }) {
  const row = await rebuilt.loadConversation(conversationId);
  return row === null || seq > row.seq;
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

/** Positions are not compared: they only order writes, and those of a set that came from `messages` are its own. */
function isSame(a: InboxRow, b: InboxRow): boolean {
  return a.conversationId === b.conversationId && a.seq === b.seq && a.kind === b.kind;
}

function nameOf({ conversationId, seq, kind }: InboxRow): string {
  return `${conversationId}/${seq} ${kind}`;
}

function spanOf({ joinedSeq, leftSeq }: MembershipRow): string {
  return leftSeq === null ? `from ${joinedSeq} on` : `from ${joinedSeq} to ${leftSeq}`;
}

function addRow(digest: RowDigest, { inboxSeq, conversationId, seq, kind }: InboxRow): void {
  digest.add(inboxSeq, conversationId, seq, kind);
}

function addMembership(digest: RowDigest, { conversationId, joinedSeq, leftSeq }: MembershipRow): void {
  digest.add(conversationId, joinedSeq, leftSeq);
}

function byConversation(a: MembershipRow, b: MembershipRow): number {
  return a.conversationId < b.conversationId ? -1 : 1;
}
