// Rows as bytes. Every value begins with the layout it was written in, so that a later version can tell.
import type {
  ConversationRow,
  HeadRow,
  MemberRow,
  MembershipRow,
  PastMemberRow,
  Role,
  TimelineRow,
} from '../state-store.ts';
import { ByteReader, ByteWriter, NUMBER_BYTES_MAX, textBound } from './bytes.ts';

const LAYOUT = 1;
const ROLES: readonly Role[] = ['owner', 'admin', 'member'];
const KINDS: readonly ConversationRow['kind'][] = ['direct', 'group'];

export type StaticRow = Omit<ConversationRow, 'members'>;

/** A member row, or what is left of one (`member` null): the position must outlive the row (R7). */
export interface StampedMember {
  readonly position: number;
  readonly member: MemberRow | null;
}

const writer = new ByteWriter();

function begin(bytes_max: number): ByteWriter {
  return writer.begin(1 + bytes_max).byte(LAYOUT);
}

function read(bytes: Uint8Array): ByteReader {
  if (bytes[0] !== LAYOUT) throw new Error(`A row has layout ${bytes[0]}; this version reads ${LAYOUT}.`);
  return new ByteReader(bytes, 1);
}

export function encodeStatic(row: StaticRow): Uint8Array {
  return begin(1 + 5 * NUMBER_BYTES_MAX + textBound(row.title))
    .byte(KINDS.indexOf(row.kind))
    .number(row.asOf + 1)
    .number(row.seq)
    .number(row.ordinal)
    .number(row.time)
    .number(row.memberLimit)
    .text(row.title)
    .end();
}

export function decodeStatic(conversationId: string, bytes: Uint8Array): StaticRow {
  const from = read(bytes);
  const kind = KINDS[from.byte()]!;
  const asOf = from.number() - 1;
  const seq = from.number();
  const ordinal = from.number();
  const time = from.number();
  const memberLimit = from.number();
  return { conversationId, kind, seq, ordinal, time, asOf, title: from.text(), memberLimit };
}

export function encodeMember({ position, member }: StampedMember): Uint8Array {
  const to = begin(1 + 2 * NUMBER_BYTES_MAX).byte(member === null ? 0xff : ROLES.indexOf(member.role));
  return to
    .number(position + 1)
    .number(member === null ? 0 : member.joinedSeq)
    .end();
}

export function decodeMember(user: string, bytes: Uint8Array): StampedMember {
  const from = read(bytes);
  const role = from.byte();
  const position = from.number() - 1;
  const joinedSeq = from.number();
  return { position, member: role === 0xff ? null : { user, role: ROLES[role]!, joinedSeq } };
}

export function encodeTimeline(row: TimelineRow): Uint8Array {
  const { sender, commandId, event } = row;
  return begin(4 * NUMBER_BYTES_MAX + textBound(sender) + textBound(commandId) + event.length)
    .number(row.position + 1)
    .number(row.ordinal)
    .number(row.time)
    .text(sender)
    .text(commandId)
    .blob(event)
    .end();
}

/** The event is a view of `bytes`. */
export function decodeTimeline(conversationId: string, seq: number, bytes: Uint8Array): TimelineRow {
  const from = read(bytes);
  const position = from.number() - 1;
  const ordinal = from.number();
  const time = from.number();
  const sender = from.text();
  const commandId = from.text();
  return { conversationId, seq, ordinal, sender, commandId, time, position, event: from.blob() };
}

export function encodePast(row: PastMemberRow): Uint8Array {
  return begin(2 * NUMBER_BYTES_MAX)
    .number(row.position + 1)
    .number(row.leftSeq)
    .end();
}

export function decodePast(conversationId: string, user: string, joinedSeq: number, bytes: Uint8Array): PastMemberRow {
  const from = read(bytes);
  const position = from.number() - 1;
  return { conversationId, user, joinedSeq, leftSeq: from.number(), position };
}

export function encodeHead(row: HeadRow): Uint8Array {
  return begin(3 * NUMBER_BYTES_MAX)
    .number(row.headAsOf + 1)
    .number(row.head)
    .number(row.minimumSeq)
    .end();
}

export function decodeHead(user: string, bytes: Uint8Array): HeadRow {
  const from = read(bytes);
  const headAsOf = from.number() - 1;
  const head = from.number();
  return { user, head, headAsOf, minimumSeq: from.number() };
}

export function encodeMembership(row: MembershipRow): Uint8Array {
  return begin(3 * NUMBER_BYTES_MAX)
    .number(row.position + 1)
    .number(row.joinedSeq)
    .number(row.leftSeq === null ? 0 : row.leftSeq + 1)
    .end();
}

export function decodeMembership(user: string, conversationId: string, bytes: Uint8Array): MembershipRow {
  const from = read(bytes);
  const position = from.number() - 1;
  const joinedSeq = from.number();
  const left = from.number();
  return { user, conversationId, joinedSeq, leftSeq: left === 0 ? null : left - 1, position };
}
