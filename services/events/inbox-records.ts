// What the topic `inbox` holds: exactly one record per (decided event, inbox partition that has recipients of it).
import type { Origin } from './commands.ts';
import type { TimelineEventType } from './timeline-events.ts';

/** The kind of an inbox entry, as a small number: it is stored in every inbox row. Append-only. */
export const ENTRY_KINDS = [
  'MessageSent',
  'ConversationCreated',
  'MembersAdded',
  'MemberRemoved',
  'MemberLeft',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number] & TimelineEventType;

export interface InboxEntries {
  readonly type: 'InboxEntries';
  /** Partition of `messages`, and the position there: how repeats are known (R3, R5). */
  readonly sourcePartition: number;
  readonly sourcePosition: number;
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: EntryKind;
  /** The event's time. */
  readonly time: number;
  /** Users of this inbox partition who get the entry, in the fold's order. */
  readonly recipients: readonly string[];
  /** Those of the recipients for whom the conversation begins with this entry. */
  readonly joined: readonly string[];
  /** Those of the recipients for whom it ends with this entry, and since when they were members. */
  readonly left: readonly { readonly user: string; readonly joinedSeq: number }[];
  /** The timeline event as it stands in the topic `timeline`: framed Avro. */
  readonly event: Uint8Array;
}

export interface InboxCanary {
  readonly type: 'InboxCanary';
  readonly sourcePartition: number;
  readonly sourcePosition: number;
  readonly canaryId: string;
  readonly origin: Origin;
}

export type InboxRecord = InboxEntries | InboxCanary;
