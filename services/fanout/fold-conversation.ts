// The fold: what a command comes to, given the conversation's state. The heart of fanlog, and pure (R1): no clock, no
// randomness, no I/O, no configuration. Whatever decides is in the state, in the command, or in where and when the log
// took the command. Any two processes that fold the same records get the same numbers.
//
// `step` works in place: `state` becomes the state after the command. It decides at most one numbered event.
import type { AddMembers, Command, CreateConversation, RemoveMember, SendMessage } from '../events/commands.ts';
import { foldConstants } from '../events/fold-constants.ts';
import { compareIds, timeOfCommandId, usersOfDirect } from '../events/ids.ts';
import type { Outcome, RejectionCode } from '../events/outcome.ts';
import type { Position } from '../events/position.ts';
import type { TimelineEvent } from '../events/timeline-events.ts';
import type { MemberRow } from '../ports/store/state-store.ts';
import { audienceOf, type ConversationState, forgetOldIds } from './conversation-state.ts';

/** What one command came to: at most one numbered event, and its audience. */
export interface Decision {
  readonly outcome: Outcome;
  readonly event: TimelineEvent | null;
  /** Who gets the event: the members after it, and whoever it ended. Empty without an event. */
  readonly recipients: readonly string[];
  /** Users whose membership began with the event. */
  readonly joined: readonly string[];
  /** Memberships that ended with the event, as they were. */
  readonly ended: readonly MemberRow[];
  /** Users whose member row changed: what the next flush must write. */
  readonly touched: readonly string[];
}

/** Where and when the log took the command. */
export interface Taken {
  readonly position: Position;
  /** The log's append time, milliseconds since 1970; may step back. */
  readonly appendTime: number;
}

/** A command that gets a number, before it has it. */
interface Verdict {
  readonly detail: EventDetail;
  readonly joined?: readonly string[];
  readonly ended?: readonly MemberRow[];
  readonly touched?: readonly string[];
}
type OmitCommon<E> = E extends TimelineEvent
  ? Omit<E, 'conversationId' | 'seq' | 'ordinal' | 'sender' | 'commandId' | 'time' | 'position'>
  : never;
type EventDetail = OmitCommon<TimelineEvent>;

const NOBODY: readonly never[] = [];

/**
 * Decides `command`, taken at `taken`. The caller has checked that the state is true at an earlier position.
 * The fold never throws on a command, whatever it says: appending is checked at the edge, but this is the last word.
 */
export function step(state: ConversationState, command: Command, taken: Taken): Decision {
  const time = Math.max(state.time, taken.appendTime);
  const first = state.remembered.find(command.sender, command.commandId);
  if (first !== undefined) {
    moveTo(state, time, taken.position);
    return without({ result: 'sequenced', seq: first.seq, time: first.time, repeat: true });
  }
  const verdict = checkId(command.commandId, time) ?? judge(state, command, state.seq + 1);
  if (typeof verdict === 'string') {
    moveTo(state, time, taken.position);
    return without(verdict === 'unchanged' ? { result: 'unchanged' } : { result: 'rejected', code: verdict });
  }
  const seq = state.seq + 1;
  state.seq = seq;
  if (verdict.detail.type === 'MessageSent') state.ordinal++;
  moveTo(state, time, taken.position);
  state.remembered.add(command.sender, command.commandId, seq, time);
  const ended = verdict.ended ?? NOBODY;
  return {
    outcome: { result: 'sequenced', seq, time, repeat: false },
    event: eventOf(state, command, taken.position, verdict.detail),
    recipients: ended.length === 0 ? audienceOf(state) : withEnded(audienceOf(state), ended),
    joined: verdict.joined ?? NOBODY,
    ended,
    touched: verdict.touched ?? NOBODY,
  };
}

/** The numbered event; the state is the one after it. */
function eventOf(state: ConversationState, command: Command, position: Position, detail: EventDetail): TimelineEvent {
  const { conversationId, seq, ordinal, time } = state;
  const { sender, commandId } = command;
  if (detail.type !== 'MessageSent') {
    return { conversationId, seq, ordinal, sender, commandId, time, position, ...detail } as TimelineEvent;
  }
  // Nearly every event: written out, because spreading an object costs more than all the rest of the fold.
  const { type, contentType, keyId, payload } = detail;
  return { type, conversationId, seq, ordinal, sender, commandId, time, position, contentType, keyId, payload };
}

function without(outcome: Outcome): Decision {
  return { outcome, event: null, recipients: NOBODY, joined: NOBODY, ended: NOBODY, touched: NOBODY };
}

function withEnded(audience: readonly string[], ended: readonly MemberRow[]): readonly string[] {
  return [...audience, ...ended.map(({ user }) => user)].sort(compareIds);
}

/** Every command moves the conversation's time, refused ones too; but one that does not exist keeps nothing. */
function moveTo(state: ConversationState, time: number, position: Position): void {
  if (state.kind === null) return;
  state.time = time;
  state.asOf = position;
  forgetOldIds(state);
}

/** An id outside this window may have been decided and forgotten, or would be forgotten before it can be decided. */
function checkId(commandId: string, time: number): RejectionCode | null {
  const made = timeOfCommandId(commandId);
  if (made > time + foldConstants.id_ahead_ms_max) return 'clock';
  if (made < time - foldConstants.id_behind_ms_max) return 'too_old';
  return null;
}

type Judged = Verdict | RejectionCode | 'unchanged';

/** Decides whether the command is allowed, and applies it to the members. `seq` is the number it gets if it is. */
function judge(state: ConversationState, command: Command, seq: number): Judged {
  switch (command.type) {
    case 'SendMessage':
      return judgeSend(state, command, seq);
    case 'CreateConversation':
      return judgeCreate(state, command, seq);
    case 'AddMembers':
      return judgeAdd(state, command, seq);
    case 'RemoveMember':
      return judgeRemove(state, command);
    case 'LeaveConversation':
      return judgeLeave(state, command.sender);
  }
}

function judgeSend(state: ConversationState, command: SendMessage, seq: number): Judged {
  const { contentType, keyId, payload } = command;
  const detail: EventDetail = { type: 'MessageSent', contentType, keyId, payload };
  if (state.members.has(command.sender)) return { detail };
  if (state.kind !== null) return 'not_a_member';
  // A direct conversation exists as soon as one of its two users sends: its id says who they are.
  const users = usersOfDirect(state.conversationId);
  if (users === null) return 'conversation_not_found';
  if (!users.includes(command.sender)) return 'not_a_member';
  state.kind = 'direct';
  state.memberLimit = 2;
  const both = [...new Set(users)];
  for (const user of both) state.members.set(user, { user, role: 'member', joinedSeq: seq });
  state.audience = null;
  return { detail, joined: both, touched: both };
}

function judgeCreate(state: ConversationState, command: CreateConversation, seq: number): Judged {
  if (usersOfDirect(state.conversationId) !== null) return 'wrong_kind';
  if (state.kind !== null) return 'conversation_exists';
  const { sender, title, memberLimit } = command;
  const members = [...new Set([sender, ...command.members])];
  if (members.length > memberLimit) return 'conversation_full';
  state.kind = 'group';
  state.title = title;
  state.memberLimit = memberLimit;
  for (const user of members)
    state.members.set(user, { user, role: user === sender ? 'owner' : 'member', joinedSeq: seq });
  state.audience = null;
  return { detail: { type: 'ConversationCreated', title, memberLimit, members }, joined: members, touched: members };
}

function judgeAdd(state: ConversationState, command: AddMembers, seq: number): Judged {
  const refused = checkAdministrator(state, command.sender);
  if (refused !== null) return refused;
  const members = [...new Set(command.members)].filter((user) => !state.members.has(user));
  if (members.length === 0) return 'unchanged';
  if (state.members.size + members.length > state.memberLimit) return 'conversation_full';
  for (const user of members) state.members.set(user, { user, role: 'member', joinedSeq: seq });
  state.audience = null;
  return { detail: { type: 'MembersAdded', members }, joined: members, touched: members };
}

function judgeRemove(state: ConversationState, command: RemoveMember): Judged {
  if (command.member === command.sender) return judgeLeave(state, command.sender);
  const refused = checkAdministrator(state, command.sender);
  if (refused !== null) return refused;
  const member = state.members.get(command.member);
  if (member === undefined) return 'unchanged';
  // An admin cannot remove an owner; an owner leaves by itself.
  if (member.role === 'owner') return 'not_allowed';
  state.members.delete(member.user);
  state.audience = null;
  return { detail: { type: 'MemberRemoved', member: member.user }, ended: [member], touched: [member.user] };
}

function judgeLeave(state: ConversationState, user: string): Judged {
  if (state.kind === 'direct' || usersOfDirect(state.conversationId) !== null) return 'wrong_kind';
  if (state.kind === null) return 'conversation_not_found';
  const member = state.members.get(user);
  if (member === undefined) return 'not_a_member';
  state.members.delete(user);
  state.audience = null;
  const successor = member.role === 'owner' ? handOver(state) : null;
  const touched = successor === null ? [user] : [user, successor];
  return { detail: { type: 'MemberLeft', successor }, ended: [member], touched };
}

function checkAdministrator(state: ConversationState, user: string): RejectionCode | null {
  if (usersOfDirect(state.conversationId) !== null) return 'wrong_kind';
  if (state.kind === null) return 'conversation_not_found';
  const member = state.members.get(user);
  if (member === undefined) return 'not_a_member';
  return member.role === 'member' ? 'not_allowed' : null;
}

/** The last owner left: the oldest member takes over. Returns who, or null if an owner or nobody is left. */
function handOver(state: ConversationState): string | null {
  let oldest: MemberRow | null = null;
  for (const member of state.members.values()) {
    if (member.role === 'owner') return null;
    if (oldest === null || isOlder(member, oldest)) oldest = member;
  }
  if (oldest === null) return null;
  state.members.set(oldest.user, { ...oldest, role: 'owner' });
  return oldest.user;
}

function isOlder(a: MemberRow, b: MemberRow): boolean {
  return a.joinedSeq === b.joinedSeq ? a.user < b.user : a.joinedSeq < b.joinedSeq;
}
