// Memberships of one conversation that ended: live against rebuilt.
import { compareIds } from '../../events/ids.ts';
import { partitionOf } from '../../events/partition.ts';
import type { ConversationRow, PastMemberRow, StateStore } from '../../ports/store/state-store.ts';
import type { Comparison } from './comparison.ts';
import type { Digests } from './row-digest.ts';

/** Newer than the rebuilt rows is only what ended behind them, and above the cut. @throws StoreError */
export async function comparePast(
  { live, rebuilt, cut }: Comparison,
  { conversationId, seq }: ConversationRow,
  missing: (sentence: string) => void,
  sentences: string[],
  digests: Digests,
): Promise<void> {
  const last = cut.messages[partitionOf(conversationId, cut.messages.length)]!;
  const read = async (store: StateStore) => {
    const past = await store.readPast(conversationId);
    return byUser(past.filter(({ leftSeq, position }) => leftSeq <= seq || position <= last));
  };
  const [ours, theirs] = await Promise.all([read(rebuilt), read(live)]);
  for (const user of [...new Set([...ours.keys(), ...theirs.keys()])].sort(compareIds)) {
    const [wanted, found] = [ours.get(user) ?? [], theirs.get(user) ?? []];
    for (const { joinedSeq, leftSeq } of wanted) digests.rebuilt.add(user, joinedSeq, leftSeq);
    for (const { joinedSeq, leftSeq } of found) digests.live.add(user, joinedSeq, leftSeq);
    comparePastOf(user, found.map(spanOf), wanted.map(spanOf), missing, sentences);
  }
}

function comparePastOf(
  user: string,
  found: readonly string[],
  wanted: readonly string[],
  missing: (sentence: string) => void,
  sentences: string[],
): void {
  if (wanted.join() === found.join()) return;
  const textOf = (spans: readonly string[]) => spans.join(', ') || 'never';
  const sentence = `${user} was a member from ${textOf(found)} in the live tables, ${textOf(wanted)} by the log`;
  if (found.every((span) => wanted.includes(span))) missing(sentence);
  else sentences.push(sentence);
}

/** Each user's in the order of time. */
function byUser(rows: readonly PastMemberRow[]): ReadonlyMap<string, readonly PastMemberRow[]> {
  const found = new Map<string, PastMemberRow[]>();
  for (const row of [...rows].sort((a, b) => a.joinedSeq - b.joinedSeq)) {
    const ofUser = found.get(row.user);
    if (ofUser === undefined) found.set(row.user, [row]);
    else ofUser.push(row);
  }
  return found;
}

function spanOf({ joinedSeq, leftSeq }: PastMemberRow): string {
  return `${joinedSeq} to ${leftSeq}`;
}
