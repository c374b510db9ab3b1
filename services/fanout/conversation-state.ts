// What the fold knows of one conversation. Loaded from the store at `asOf` it equals, byte for byte, what stood in memory
// at the same position (R2): so everything in it is either in the state rows, or can be read off the timeline's tail.

import { foldConstants } from '../events/fold-constants.ts';
import { compareIds } from '../events/ids.ts';
import type { Position } from '../events/position.ts';
import { NO_POSITION } from '../events/position.ts';
import type { ConversationRow, MemberRow, TimelineRow } from '../ports/store/state-store.ts';
import { RememberedIds } from './remembered-ids.ts';

export interface ConversationState {
  readonly conversationId: string;
  /** null: it does not exist (yet). Refusals leave no trace on such a state. */
  kind: 'direct' | 'group' | null;
  seq: number;
  ordinal: number;
  time: number;
  asOf: Position;
  title: string;
  memberLimit: number;
  readonly members: Map<string, MemberRow>;
  /** Asked again, they get the same answer. */
  readonly remembered: RememberedIds;
  /** The members' ids in order; null after they changed. One array as long as they do not: fan-out caches by it. */
  audience: readonly string[] | null;
}

export function unbornConversation(conversationId: string): ConversationState {
  return {
    conversationId,
    kind: null,
    seq: 0,
    ordinal: 0,
    time: 0,
    asOf: NO_POSITION,
    title: '',
    memberLimit: 0,
    members: new Map(),
    remembered: new RememberedIds(),
    audience: null,
  };
}

export function audienceOf(state: ConversationState): readonly string[] {
  state.audience ??= [...state.members.keys()].sort(compareIds);
  return state.audience;
}

/** Drops the ids that are older than the window, at the conversation's time. */
export function forgetOldIds(state: ConversationState): void {
  state.remembered.forgetBefore(state.time - foldConstants.id_remembered_ms);
}

/** `tail`: the timeline's rows up to `row.seq` that are not older than the window, ascending. */
export function stateFromRows(row: ConversationRow, tail: readonly TimelineRow[]): ConversationState {
  const { conversationId, kind, seq, ordinal, time, asOf, title, memberLimit } = row;
  const remembered = new RememberedIds();
  for (const entry of tail) remembered.add(entry.sender, entry.commandId, entry.seq, entry.time);
  const members = new Map(row.members.map((member) => [member.user, member]));
  return { conversationId, kind, seq, ordinal, time, asOf, title, memberLimit, members, remembered, audience: null };
}

/** The static row of a conversation that exists. */
export function staticRowOf(state: ConversationState): Omit<ConversationRow, 'members'> {
  const { conversationId, kind, seq, ordinal, time, asOf, title, memberLimit } = state;
  if (kind === null) throw new Error('a conversation that does not exist has no row');
  return { conversationId, kind, seq, ordinal, time, asOf, title, memberLimit };
}
