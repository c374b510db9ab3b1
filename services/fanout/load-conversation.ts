// Brings a conversation's state from the store into memory, once per assignment (R2).
import { foldConstants } from '../events/fold-constants.ts';
import type { Breather } from '../kernel/breather.ts';
import type { ConversationRow, StateStore, TimelineRow } from '../ports/store/state-store.ts';
import { type ConversationState, stateFromRows, unbornConversation } from './conversation-state.ts';

/** Rows read at once: a minute of a busy conversation's messages. */
const TAIL_ROWS_MAX = 200;

/** `breather`: a busy conversation's tail is hundreds of thousands of rows. */
export async function loadConversation(
  store: StateStore,
  conversationId: string,
  breather: Breather,
): Promise<ConversationState> {
  const row = await readState(store, conversationId);
  if (row === null) return unbornConversation(conversationId);
  const oldest = row.time - foldConstants.id_remembered_ms;
  return stateFromRows(row, await loadTail(store, conversationId, row.seq, oldest, breather));
}

/**
 * The state as of one position. A quorum read asks two replicas at two moments, and an owner that is being replaced may
 * flush twice in between: the first replica then lacks both flushes, the second may have missed the first one, and the
 * merged rows are true at no position. So it is read until two reads in a row agree: the second began when every flush
 * before that position was on a quorum.
 */
async function readState(store: StateStore, conversationId: string): Promise<ConversationRow | null> {
  let row = await store.loadConversation(conversationId);
  for (;;) {
    const again = await store.loadConversation(conversationId);
    if (again?.asOf === row?.asOf) return again;
    row = again;
  }
}

/**
 * The timeline from `seq` back to the first row older than `oldest`, ascending. Rows above `seq` may exist (they are
 * written before the state row) and are none of this state's business.
 */
async function loadTail(
  store: StateStore,
  conversationId: string,
  seq: number,
  oldest: number,
  breather: Breather,
): Promise<TimelineRow[]> {
  const tail: TimelineRow[] = [];
  for (let next = seq; next >= 1; ) {
    const rows = await store.readTimeline(conversationId, 1, next, TAIL_ROWS_MAX, 'descending');
    await breather.breathe();
    for (const row of rows) {
      if (row.seq !== next) break;
      if (row.time < oldest) return tail.reverse();
      tail.push(row);
      next--;
    }
    // Rows up to `seq` were acknowledged before the state row was written (R4).
    if (next >= 1 && rows.at(-1)?.seq !== next + 1)
      throw new Error(`timeline row ${next} is missing below the state's seq`);
  }
  return tail.reverse();
}
