// All users and conversations of the rebuilt set against the live one, and what the live one has besides.
//
//   everything once ─▶ what the live tables had not got yet: again, a second later ─▶ what is still not there is told
import { partitionOf } from '../../events/partition.ts';
import { positionOf } from '../../events/position.ts';
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import type { ConversationRow, GenerationRow, StateStore } from '../../ports/store/state-store.ts';
import type { RebuildState, ReplaySource } from '../rebuild-state.ts';
import { AwaitedConversations } from './awaited-conversations.ts';
import { compareConversation } from './compare-conversation.ts';
import { compareInbox } from './compare-inbox.ts';
import { compareUnknownConversations, compareUnknownInboxes } from './compare-strangers.ts';
import type { Compared, Comparison, Verdict } from './comparison.ts';
import type { Differences } from './differences.ts';
import { forEachInLanes } from './lanes.ts';

export interface CompareOptions {
  readonly live: StateStore;
  readonly rebuilt: StateStore;
  readonly from: ReplaySource;
  readonly generation: GenerationRow;
  /** By partition: everything below is in the rebuilt set. */
  readonly next: RebuildState['next'];
  /** Partitions of the topic `from` that were rebuilt alone; null for everything. */
  readonly only: ReadonlySet<number> | null;
  readonly differences: Differences;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  /** A user or conversation more was compared. */
  readonly onCompared: (what: 'user' | 'conversation', name: string, compared: Compared) => void;
}

export interface ComparedTables {
  /** By how they came out. */
  readonly users: Readonly<Record<Verdict, number>>;
  readonly conversations: Record<Verdict, number>;
  /** Live inboxes that the log gives no entry, or that are not what their head says. */
  readonly strangers: number;
  readonly rows: number;
  /** Live rows that are ahead of the rebuilt set: each is to be compared when the rebuild gets to its position. */
  readonly moving: ReadonlyMap<string, ConversationRow>;
}

/** Live stages write behind by a second or two. */
const AGAIN_MS = 1_000;
const ROUNDS_MAX = 6;

/** @throws StoreError */
export async function compareTables(options: CompareOptions): Promise<ComparedTables> {
  const { rebuilt, from, only, next, differences, runtime, signal } = options;
  const users = noVerdicts();
  const conversations = noVerdicts();
  const moving = new Map<string, ConversationRow>();
  let rows = 0;
  const isWanted = (key: string) => only === null || only.has(partitionOf(key, next[from].length));
  const withUsers = only === null || from === 'inbox';
  const withConversations = only === null || from === 'messages';

  let lateUsers: { user: string; head: number }[] = [];
  let lateConversations: string[] = [];
  const compareUsers = async (
    comparison: Comparison,
    some: readonly { user: string; head: number }[],
    isLast: boolean,
  ) => {
    await forEachInLanes(some, signal, async ({ user, head }) => {
      const compared = await compareInbox(comparison, user, head, differences);
      if (compared.verdict === 'behind' && !isLast) return void lateUsers.push({ user, head });
      users[compared.verdict]++;
      rows += compared.rows;
      options.onCompared('user', user, compared);
    });
  };
  const compareIds = async (comparison: Comparison, ids: readonly string[], isLast: boolean) => {
    await forEachInLanes(ids, signal, async (id) => {
      const compared = await compareConversation(comparison, id, differences);
      if (compared.verdict === 'behind' && !isLast) return void lateConversations.push(id);
      if (compared.row !== null) moving.set(id, compared.row);
      conversations[compared.verdict]++;
      rows += compared.rows;
      options.onCompared('conversation', id, compared);
    });
  };

  const awaited = new AwaitedConversations(runtime);
  const first = await comparisonOf(options, awaited);
  if (withConversations)
    for await (const ids of rebuilt.scanConversations()) await compareIds(first, ids.filter(isWanted), false);
  if (withUsers)
    for await (const heads of rebuilt.scanHeads())
      await compareUsers(
        first,
        heads.filter(({ user }) => isWanted(user)),
        false,
      );
  for (let round = 2; lateUsers.length + lateConversations.length > 0; round++) {
    await sleep(runtime, AGAIN_MS, signal);
    const again = await comparisonOf(options, awaited);
    const [lateIds, late] = [lateConversations, lateUsers];
    [lateConversations, lateUsers] = [[], []];
    await compareIds(again, lateIds, round === ROUNDS_MAX);
    await compareUsers(again, late, round === ROUNDS_MAX);
  }

  const stranger = { isWanted, differences, runtime, signal, again_ms: AGAIN_MS, rounds_max: ROUNDS_MAX };
  if (withConversations) await compareUnknownConversations(first, stranger);
  const strangers = withUsers ? await compareUnknownInboxes(first, stranger) : 0;
  return { users, conversations, strangers, rows, moving };
}

/** Before the rows: whatever a checkpoint speaks of can be read after it. */
async function comparisonOf(
  { live, rebuilt, from, generation, next }: CompareOptions,
  awaited: AwaitedConversations,
): Promise<Comparison> {
  const cutOf = (offsets: readonly number[]) =>
    offsets.map((offset) => (offset === 0 ? -1 : positionOf(generation.generation, offset - 1)));
  const isThere = (topic: ReplaySource) =>
    Promise.all(
      next[topic].map(async (offset, partition) => {
        return ((await live.loadCheckpoint(topic, partition))?.offset ?? 0) >= offset;
      }),
    );
  const liveIsThere = { messages: await isThere('messages'), inbox: await isThere('inbox') };
  const isReorderable = from === 'messages' || generation.epochOfInbox !== undefined;
  return {
    live,
    rebuilt,
    isReorderable,
    isFromInbox: from === 'inbox',
    cut: { messages: cutOf(next.messages), inbox: cutOf(next.inbox) },
    liveIsThere,
    awaited,
  };
}

function noVerdicts(): Record<Verdict, number> {
  return { equal: 0, reordered: 0, behind: 0, moving: 0, different: 0 };
}
