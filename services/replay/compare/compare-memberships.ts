// One user's memberships: live against rebuilt.
import type { MembershipRow } from '../../ports/store/state-store.ts';
import type { Comparison } from './comparison.ts';
import type { EntryAges } from './entry-ages.ts';
import type { OwnDifferences } from './own-differences.ts';
import type { Digests, RowDigest } from './row-digest.ts';

/** @throws StoreError */
export async function compareMemberships(
  { live, rebuilt }: Comparison,
  user: string,
  ages: EntryAges,
  own: OwnDifferences,
  digests: Digests,
): Promise<void> {
  const [ours, theirs] = await Promise.all([rebuilt.readMemberships(user), live.readMemberships(user)]);
  const byId = new Map(theirs.map((row) => [row.conversationId, row]));
  const ageOf = (row: MembershipRow) => ages.of({ ...row, seq: row.leftSeq ?? row.joinedSeq });
  for (const row of [...ours].sort(byConversation)) {
    const found = byId.get(row.conversationId);
    byId.delete(row.conversationId);
    addMembership(digests.rebuilt, row);
    const isEqual = found !== undefined && spanOf(found) === spanOf(row);
    if (isEqual || (found !== undefined && (await ageOf(found)) === 'newer')) addMembership(digests.live, row);
    else if (found === undefined) own.missing(`the membership in ${row.conversationId} (${spanOf(row)}) is missing`);
    else
      own.missing(
        `the membership in ${row.conversationId} is ${spanOf(found)} in the live tables, ${spanOf(row)} by the log`,
      );
  }
  for (const row of byId.values()) {
    const age = await ageOf(row);
    if (age === 'undecided') own.undecided();
    if (age === 'stray')
      own.different(
        `the membership in ${row.conversationId} (${spanOf(row)}) is in the live tables, and none by the log`,
      );
  }
}

function spanOf({ joinedSeq, leftSeq }: MembershipRow): string {
  return leftSeq === null ? `from ${joinedSeq} on` : `from ${joinedSeq} to ${leftSeq}`;
}

function addMembership(digest: RowDigest, { conversationId, joinedSeq, leftSeq }: MembershipRow): void {
  digest.add(conversationId, joinedSeq, leftSeq);
}

function byConversation(a: MembershipRow, b: MembershipRow): number {
  return a.conversationId < b.conversationId ? -1 : 1;
}
