// One decided event as one row of a table. What stands under which name, and why in one wide table: schemas/README.md.
import { usersOfDirect } from '../../events/ids.ts';
import type { TimelineEvent } from '../../events/timeline-events.ts';

export interface EventRow {
  readonly conversationId: string;
  readonly conversationKind: 'direct' | 'group';
  readonly seq: number;
  readonly ordinal: number;
  readonly kind: TimelineEvent['type'];
  readonly sender: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly commandId: string;
  readonly contentType: string | null;
  readonly keyId: string | null;
  readonly text: string | null;
  readonly payload: Buffer | null;
  readonly title: string | null;
  readonly memberLimit: number | null;
  readonly joined: readonly string[] | null;
  readonly departed: string | null;
  readonly successor: string | null;
  readonly position: number;
  readonly logPartition: number;
  readonly logOffset: number;
}

export type ColumnType = 'string' | 'long' | 'int' | 'timestamp' | 'bytes' | 'strings';

export interface Column {
  readonly name: keyof EventRow;
  readonly type: ColumnType;
  /** Whether some kinds of events leave it empty (null). */
  readonly nullable: boolean;
  readonly doc: string;
}

/** In the order of the files. Added to at the end only; a name never changes its meaning. */
export const COLUMNS: readonly Column[] = [
  column('conversationId', 'string', 'The conversation. That of a direct one holds its two users: personal data.'),
  column('conversationKind', 'string', '`direct` (two users, for ever) or `group`.'),
  column('seq', 'long', 'Dense from 1 inside the conversation; with `conversationId` the key of the table.'),
  column('ordinal', 'long', 'Messages of the conversation up to and including this event.'),
  column(
    'kind',
    'string',
    'The record on the topic: `MessageSent`, `ConversationCreated`, `MembersAdded`, `MemberRemoved`, `MemberLeft`.',
  ),
  column('sender', 'string', 'Who did it. Personal data.'),
  column('time', 'timestamp', 'The conversation’s time by the log’s clock, UTC: never falls inside a conversation.'),
  column(
    'commandId',
    'string',
    'UUIDv7 of the first attempt (`clientMessageId` of a message); holds that attempt’s time.',
  ),
  optional('contentType', 'string', 'Of a message: the media type of its payload.'),
  optional('keyId', 'string', 'Of a message: the key that its payload is encrypted with, if it is.'),
  optional(
    'text',
    'string',
    'Of a message whose content type is text, in UTF-8 and not encrypted: what was said. Personal data.',
  ),
  optional('payload', 'bytes', 'Of any other message: its bytes. Personal data.'),
  optional('title', 'string', 'Of `ConversationCreated`: the shown name.'),
  optional('memberLimit', 'int', 'Of `ConversationCreated`: the greatest number of members.'),
  optional(
    'joined',
    'strings',
    'Who became a member: of `ConversationCreated` (the owner first) and `MembersAdded`. Personal data.',
  ),
  optional('departed', 'string', 'Who is no member any more: of `MemberRemoved` and `MemberLeft`. Personal data.'),
  optional('successor', 'string', 'Of `MemberLeft`: who became owner because the last owner left. Personal data.'),
  column('position', 'long', 'Where in `messages` it was decided: generation * 2^40 + offset.'),
  column('logPartition', 'int', 'Where the event stands in `timeline`: partition,'),
  column('logOffset', 'long', 'and offset.'),
];

function column(name: keyof EventRow, type: ColumnType, doc: string): Column {
  return { name, type, nullable: false, doc };
}

function optional(name: keyof EventRow, type: ColumnType, doc: string): Column {
  return { name, type, nullable: true, doc };
}

export function rowOf(event: TimelineEvent, logPartition: number, logOffset: number): EventRow {
  const { conversationId, seq, ordinal, type: kind, sender, time, commandId, position } = event;
  const message = event.type === 'MessageSent' ? event : null;
  const created = event.type === 'ConversationCreated' ? event : null;
  const text = message === null ? null : textOf(message.contentType, message.keyId, message.payload);
  return {
    conversationId,
    conversationKind: usersOfDirect(conversationId) === null ? 'group' : 'direct',
    seq,
    ordinal,
    kind,
    sender,
    time,
    commandId,
    contentType: message?.contentType ?? null,
    keyId: message?.keyId ?? null,
    text,
    payload: message === null || text !== null ? null : Buffer.from(message.payload),
    title: created?.title ?? null,
    memberLimit: created?.memberLimit ?? null,
    joined: event.type === 'ConversationCreated' || event.type === 'MembersAdded' ? event.members : null,
    departed: event.type === 'MemberRemoved' ? event.member : event.type === 'MemberLeft' ? event.sender : null,
    successor: event.type === 'MemberLeft' ? event.successor : null,
    position,
    logPartition,
    logOffset,
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** null where the bytes are no text: then they stand in `payload`, so that every message is in one of the two. */
function textOf(contentType: string, keyId: string | null, payload: Uint8Array): string | null {
  if (keyId !== null || !/^text\//i.test(contentType)) return null;
  try {
    return decoder.decode(payload);
  } catch {
    return null;
  }
}

/** About what a row takes in a file before compression. */
export function sizeOf({ conversationId, sender, text, payload, joined }: EventRow): number {
  let bytes = 160 + conversationId.length + sender.length + (text?.length ?? 0) + (payload?.length ?? 0);
  for (const user of joined ?? []) bytes += user.length + 4;
  return bytes;
}
