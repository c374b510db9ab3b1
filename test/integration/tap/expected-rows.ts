// What an export must hold, by the log itself: each event once, by the greatest seq of its conversation. (The tap knows
// repeats by their position, so that a mistake in one shows in the other.)
import { decodeTimelineEvent } from '../../../services/events/codec.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import type { EventLog } from '../../../services/ports/log/event-log.ts';

/** One row as both formats come back: times in milliseconds, bytes in hexadecimal. */
export type PlainRow = Readonly<Record<string, unknown>>;

export interface LogContents {
  /** By partition and offset. */
  readonly rows: readonly PlainRow[];
  readonly repeats: number;
}

type Readable = Pick<EventLog, 'layout' | 'startOffset' | 'endOffset' | 'readFrom'>;

export async function readTimeline(log: Readable): Promise<LogContents> {
  const rows: PlainRow[] = [];
  let repeats = 0;
  for (let partition = 0; partition < log.layout.partitions.timeline; partition++) {
    const greatest = new Map<string, number>();
    const end = await log.endOffset('timeline', partition);
    for (let next = await log.startOffset('timeline', partition); next < end; ) {
      const records = await log.readFrom('timeline', partition, next, 1_000);
      for (const { offset, value } of records) {
        const event = decodeTimelineEvent(value);
        if (event.seq <= (greatest.get(event.conversationId) ?? 0)) repeats++;
        else rows.push(plainRow(event, partition, offset));
        greatest.set(event.conversationId, Math.max(event.seq, greatest.get(event.conversationId) ?? 0));
      }
      next += records.length;
    }
  }
  return { rows, repeats };
}

function plainRow(event: TimelineEvent, logPartition: number, logOffset: number): PlainRow {
  const { type, conversationId, seq, ordinal, sender, time, commandId, position } = event;
  const nothing = {
    contentType: null,
    keyId: null,
    text: null,
    payload: null,
    title: null,
    memberLimit: null,
    joined: null,
    departed: null,
    successor: null,
  };
  const common = {
    conversationId,
    conversationKind: conversationId.startsWith('d:') ? 'direct' : 'group',
    seq,
    ordinal,
  };
  const rest = { kind: type, sender, time, commandId, position, logPartition, logOffset };
  return { ...common, ...rest, ...nothing, ...special(event) };
}

function special(event: TimelineEvent): PlainRow {
  switch (event.type) {
    case 'MessageSent': {
      const { contentType, keyId } = event;
      const bytes = Buffer.from(event.payload);
      const isText = contentType.startsWith('text/') && keyId === null && Buffer.from(bytes.toString()).equals(bytes);
      return { contentType, keyId, ...(isText ? { text: bytes.toString() } : { payload: bytes.toString('hex') }) };
    }
    case 'ConversationCreated':
      return { title: event.title, memberLimit: event.memberLimit, joined: [...event.members] };
    case 'MembersAdded':
      return { joined: [...event.members] };
    case 'MemberRemoved':
      return { departed: event.member };
    case 'MemberLeft':
      return { departed: event.sender, successor: event.successor };
  }
}
