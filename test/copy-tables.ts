// Fills a set of tables with what another one holds, while that is being written: what a rebuild does, by the operations of
// the store alone.
//
// Read in the reverse order of writing: where the processors stand, then what they flushed, then the rows below it. So
// every row is there that a checkpoint, an `asOf` or a head speaks of, and those beyond are derived again, to the same.
import type { Position } from '../services/events/position.ts';
import type { TopicLayout } from '../services/events/topics.ts';
import type { ConversationFlush, HeadRow, InboxRow, StateStore } from '../services/ports/store/state-store.ts';

const TOPICS = ['messages', 'inbox'] as const;
/** All there are, in tests. */
const ROWS_MAX = 10_000;

/** Other numbers for the entries of one user. They are given in the order of the numbers they had. */
export type Renumber = (rows: readonly InboxRow[]) => readonly InboxRow[];

/** The entries conversation by conversation, as a rebuild that read one partition of `messages` after the other has them. */
export const byConversation: Renumber = (rows) =>
  [...rows]
    .sort((a, b) =>
      a.conversationId < b.conversationId ? -1 : a.conversationId > b.conversationId ? 1 : a.seq - b.seq,
    )
    .map((row, index) => ({ ...row, inboxSeq: index + 1 }));

export async function copyTables(
  from: StateStore,
  to: StateStore,
  { partitions }: Pick<TopicLayout, 'partitions'>,
  renumber: Renumber = (rows) => rows,
): Promise<void> {
  const checkpoints = await Promise.all(
    TOPICS.flatMap((topic) =>
      Array.from({ length: partitions[topic] }, async (_, partition) => {
        return { topic, partition, checkpoint: await from.loadCheckpoint(topic, partition) };
      }),
    ),
  );
  const users = new Map<string, HeadRow>();
  for await (const page of from.scanHeads()) for (const head of page) users.set(head.user, head);
  const conversations: string[] = [];
  for await (const page of from.scanConversations()) conversations.push(...page);
  for (const conversationId of conversations) await copyConversation(from, to, conversationId);
  for (const head of users.values()) {
    const rows = (await from.readInbox(head.user, 1, ROWS_MAX)).slice(0, head.head);
    await to.writeInbox(renumber(rows), await from.readMemberships(head.user));
    await to.writeHeads([head]);
  }
  for (const { topic, partition, checkpoint } of checkpoints)
    if (checkpoint !== null) await to.saveCheckpoint(topic, partition, checkpoint);
  await to.durable();
}

async function copyConversation(from: StateStore, to: StateStore, conversationId: string) {
  const { members, ...row } = (await from.loadConversation(conversationId))!;
  const flush: ConversationFlush = { row, members: new Map(members.map((member) => [member.user, member])) };
  const past = (await from.readPast(conversationId)).filter(isUpTo(row.asOf));
  const timeline = (await from.readTimeline(conversationId, 1, row.seq, ROWS_MAX, 'ascending')).filter(
    isUpTo(row.asOf),
  );
  await to.writeTimeline(timeline, past);
  await to.flushConversations([flush]);
}

const isUpTo = (asOf: Position) => (row: { readonly position: Position }) => row.position <= asOf;
