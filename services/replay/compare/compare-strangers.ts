// What the live set has besides: conversations and inboxes that the rebuilt one does not have.
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import { compareUnknownConversation } from './compare-conversation.ts';
import { compareUnknownInbox } from './compare-inbox.ts';
import type { Comparison } from './comparison.ts';
import type { Differences } from './differences.ts';
import { forEachInLanes } from './lanes.ts';

export interface StrangerOptions {
  readonly isWanted: (key: string) => boolean;
  readonly differences: Differences;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly again_ms: number;
  readonly rounds_max: number;
}

/** @throws StoreError */
export async function compareUnknownConversations(comparison: Comparison, options: StrangerOptions): Promise<void> {
  const { live, rebuilt } = comparison;
  const { isWanted, differences, signal } = options;
  for await (const ids of live.scanConversations())
    await forEachInLanes(ids.filter(isWanted), signal, async (id) => {
      if ((await rebuilt.loadConversation(id)) === null) await compareUnknownConversation(comparison, id, differences);
    });
}

/**
 * Resolves with how many inboxes the log gives no entry, or are not what their head says. What only a later look can
 * tell is looked at again. @throws StoreError
 */
export async function compareUnknownInboxes(comparison: Comparison, options: StrangerOptions): Promise<number> {
  const { live, rebuilt } = comparison;
  const { isWanted, differences, runtime, signal, again_ms, rounds_max } = options;
  let strangers = 0;
  let undecided: string[] = [];
  const look = (users: readonly string[]) =>
    forEachInLanes(users, signal, async (user) => {
      if (await compareUnknownInbox(comparison, user, differences, undecided)) strangers++;
    });
  for await (const heads of live.scanHeads()) {
    const names = heads.map(({ user }) => user).filter(isWanted);
    const known = await rebuilt.loadHeads(names);
    await look(names.filter((_, i) => known[i] === null));
  }
  for (let round = 2; undecided.length > 0 && round <= rounds_max; round++) {
    await sleep(runtime, again_ms, signal);
    const users = undecided;
    undecided = [];
    await look(users);
  }
  return strangers;
}
