// One conversation, its members, its timeline and its past memberships: live against rebuilt, row for row.
import { partitionOf } from '../../events/partition.ts';
import type { ConversationRow, StateStore, TimelineRow } from '../../ports/store/state-store.ts';
import { comparePast } from './compare-past.ts';
import type { Compared, Comparison, Verdict } from './comparison.ts';
import type { Differences } from './differences.ts';
import { type Digests, RowDigest } from './row-digest.ts';

export interface ComparedConversation extends Compared {
  /** With `moving`: the live row, to be held against the state when the rebuild gets to its position. */
  readonly row: ConversationRow | null;
}

const PAGE_ROWS = 500;

/** @throws StoreError */
export async function compareConversation(
  comparison: Comparison,
  conversationId: string,
  differences: Differences,
): Promise<ComparedConversation> {
  const { live, rebuilt, liveIsThere } = comparison;
  const isThere = liveIsThere.messages[partitionOf(conversationId, liveIsThere.messages.length)]!;
  const ours = await rebuilt.loadConversation(conversationId);
  if (ours === null) throw new Error(`the rebuilt conversation ${conversationId} is gone`);
  const sentences: string[] = [];
  let verdict: Verdict = 'equal';
  const missing = (sentence: string) => {
    if (isThere) sentences.push(sentence);
    else verdict = 'behind';
  };
  const digests = { live: new RowDigest(), rebuilt: new RowDigest() };
  // Before the timeline: rows are written before the state that speaks of them.
  const theirs = await live.loadConversation(conversationId);
  await compareTimeline(comparison, ours, missing, sentences, digests);
  await comparePast(comparison, ours, missing, sentences, digests);
  await findStray(comparison, ours, sentences);
  if (theirs === null) missing('its row is missing');
  else if (theirs.asOf < ours.asOf)
    missing(`its row is true at ${theirs.asOf}, and the log has a command at ${ours.asOf}`);
  else if (theirs.asOf === ours.asOf) sentences.push(...stateDifferences(theirs, ours));
  else if (verdict === 'equal') verdict = 'moving';
  addState(digests.rebuilt, ours);
  addState(digests.live, theirs !== null && theirs.asOf === ours.asOf ? theirs : ours);
  for (const sentence of sentences) differences.add(`conversation ${conversationId}: ${sentence}`);
  if (sentences.length > 0) verdict = 'different';
  const row = verdict === 'moving' ? theirs : null;
  const rows = digests.rebuilt.rows;
  return { verdict, rows, digest: digests.rebuilt.end(), liveDigest: digests.live.end(), row };
}

/** Of one conversation at one position, in words. */
export function stateDifferences(live: ConversationRow, rebuilt: ConversationRow): string[] {
  const sentences: string[] = [];
  for (const field of ['kind', 'seq', 'ordinal', 'time', 'title', 'memberLimit'] as const)
    if (live[field] !== rebuilt[field])
      sentences.push(`${field} is ${live[field]} in the live tables, ${rebuilt[field]} by the log`);
  const found = new Map(live.members.map((member) => [member.user, `${member.role} since ${member.joinedSeq}`]));
  for (const { user, role, joinedSeq } of rebuilt.members) {
    const wanted = `${role} since ${joinedSeq}`;
    const text = found.get(user) ?? 'no member';
    found.delete(user);
    if (text !== wanted) sentences.push(`${user} is ${text} in the live tables, ${wanted} by the log`);
  }
  for (const [user, text] of found) sentences.push(`${user} is ${text} in the live tables, no member by the log`);
  return sentences;
}

/** A live conversation that the rebuilt set does not have. @throws StoreError */
export async function compareUnknownConversation(
  comparison: Comparison,
  conversationId: string,
  differences: Differences,
) {
  const { live, cut } = comparison;
  const row = await live.loadConversation(conversationId);
  const partition = partitionOf(conversationId, cut.messages.length);
  if (row !== null && row.asOf <= cut.messages[partition]!)
    differences.add(`conversation ${conversationId}: it is in the live tables, and the log never made it`);
}

async function compareTimeline(
  { live, rebuilt }: Comparison,
  { conversationId, seq }: ConversationRow,
  missing: (sentence: string) => void,
  sentences: string[],
  digests: Digests,
): Promise<void> {
  let isOver = false;
  for (let next = 1; next <= seq; next += PAGE_ROWS) {
    const last = Math.min(seq, next + PAGE_ROWS - 1);
    const read = (store: StateStore) => store.readTimeline(conversationId, next, last, PAGE_ROWS, 'ascending');
    const [ours, theirs] = await Promise.all([read(rebuilt), read(live)]);
    if (ours.length < last - next + 1) throw new Error(`the rebuilt timeline of ${conversationId} has a hole`);
    const bySeq = new Map(theirs.map((row) => [row.seq, row]));
    for (const row of ours) {
      addEvent(digests.rebuilt, row);
      const found = bySeq.get(row.seq);
      if (found !== undefined) addEvent(digests.live, found);
      if (isOver) continue;
      const difference = found === undefined ? null : eventDifference(found, row);
      isOver = found === undefined || difference !== null;
      if (found === undefined) missing(`event ${row.seq} is missing`);
      else if (difference !== null) sentences.push(`event ${row.seq}: ${difference}`);
    }
  }
}

/** Behind the end of the rebuilt timeline may stand only what is newer than it. */
async function findStray({ live, cut }: Comparison, { conversationId, seq }: ConversationRow, sentences: string[]) {
  const [row] = await live.readTimeline(conversationId, seq + 1, seq + 1, 1, 'ascending');
  if (row !== undefined && row.position <= cut.messages[partitionOf(conversationId, cut.messages.length)]!)
    sentences.push(`event ${row.seq} is in the live tables, and the log has no such event`);
}

function eventDifference(live: TimelineRow, rebuilt: TimelineRow): string | null {
  for (const field of ['ordinal', 'sender', 'commandId', 'time', 'position'] as const)
    if (live[field] !== rebuilt[field])
      return `${field} is ${live[field]} in the live tables, ${rebuilt[field]} by the log`;
  return Buffer.compare(live.event, rebuilt.event) === 0 ? null : 'its bytes are others than by the log';
}

function addEvent(digest: RowDigest, { seq, ordinal, sender, commandId, time, position, event }: TimelineRow): void {
  digest.add(seq, ordinal, sender, commandId, time, position, event);
}

function addState(digest: RowDigest, row: ConversationRow): void {
  digest.add(row.kind, row.seq, row.ordinal, row.time, row.asOf, row.title, row.memberLimit);
  for (const { user, role, joinedSeq } of row.members) digest.add(user, role, joinedSeq);
}
