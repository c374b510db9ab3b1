// What the topic `timeline` holds, and the rows of the same name: what was decided. Once per (conversation, seq).

interface EventBase {
  readonly conversationId: string;
  /** Dense from 1 inside the conversation. */
  readonly seq: number;
  /** Messages up to and including this event: unread counts are differences of ordinals. */
  readonly ordinal: number;
  readonly sender: string;
  /** The id of the command that was decided (`clientMessageId` of a message). */
  readonly commandId: string;
  /** The conversation's time: milliseconds since 1970 by the log's clock, never falling inside a conversation. */
  readonly time: number;
  /** Where in `messages` it was decided. */
  readonly position: number;
}

export interface MessageSent extends EventBase {
  readonly type: 'MessageSent';
  readonly contentType: string;
  readonly keyId: string | null;
  readonly payload: Uint8Array;
}

export interface ConversationCreated extends EventBase {
  readonly type: 'ConversationCreated';
  readonly title: string;
  readonly memberLimit: number;
  /** The creator, who is the owner, first. */
  readonly members: readonly string[];
}

export interface MembersAdded extends EventBase {
  readonly type: 'MembersAdded';
  /** Everyone this command added; those who were members before are not in it. */
  readonly members: readonly string[];
}

export interface MemberRemoved extends EventBase {
  readonly type: 'MemberRemoved';
  readonly member: string;
}

export interface MemberLeft extends EventBase {
  readonly type: 'MemberLeft';
  /** Who became owner because the last owner left. */
  readonly successor: string | null;
}

export type TimelineEvent = MessageSent | ConversationCreated | MembersAdded | MemberRemoved | MemberLeft;
export type TimelineEventType = TimelineEvent['type'];
