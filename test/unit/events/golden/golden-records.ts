// Records as they were written when their schema was released: bytes and meaning, in records.json. They stand for what is
// on topics for years: whatever the code becomes, these bytes keep this meaning.
//
// records.json is written once for an id (add-golden-records.ts) and never changed. It is also the second witness that
// schemas/ is only added to: it names every id with the hash of its file.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  decodeInboxRecord,
  decodeMessagesRecord,
  decodeTimelineEvent,
  encodeInboxRecord,
  encodeMessagesRecord,
  encodeTimelineEvent,
} from '../../../../services/events/codec.ts';
import type { MessagesRecord } from '../../../../services/events/commands.ts';
import type { InboxRecord } from '../../../../services/events/inbox-records.ts';
import type { SchemaFile } from '../../../../services/events/schema-files.ts';
import type { TimelineEvent } from '../../../../services/events/timeline-events.ts';

export const GOLDEN_FILE = fileURLToPath(new URL('records.json', import.meta.url));

export interface GoldenRecord {
  /** The record on its topic, framing included. */
  readonly hex: string;
  /** By the names of the schema: what any reader gets. Bytes are in hexadecimal. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** As our code held it at the time of release. Bytes are in hexadecimal. */
  readonly decoded: Readonly<Record<string, unknown>>;
}

export interface GoldenSchema {
  readonly name: string;
  readonly version: number;
  /** Of the schema file, byte by byte. */
  readonly sha256: string;
  readonly records: readonly GoldenRecord[];
}

/** By schema id. */
export function readGolden(): Record<string, GoldenSchema> {
  return JSON.parse(readFileSync(GOLDEN_FILE, 'utf8'));
}

export function sha256Of({ text }: SchemaFile): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Reads a record of any of the topics with today's code. */
export function decodeOn(topic: SchemaFile['topic'], bytes: Uint8Array): object {
  return { messages: decodeMessagesRecord, timeline: decodeTimelineEvent, inbox: decodeInboxRecord }[topic](bytes);
}

/** Writes it with the newest version of its schema. */
export function encodeOn(topic: SchemaFile['topic'], record: object): Buffer {
  if (topic === 'messages') return encodeMessagesRecord(record as MessagesRecord);
  if (topic === 'timeline') return encodeTimelineEvent(record as TimelineEvent);
  return encodeInboxRecord(record as InboxRecord);
}

/** As JSON has it: without prototypes, bytes in hexadecimal. */
export function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
