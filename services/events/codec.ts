// Records as bytes: Confluent's framing (0x00, 4-byte schema id, big-endian) around Avro, so that any consumer of the
// ecosystem can read the topics.
//
// Every version is read, as the newest. A record is written in the newest version of which it has every field: a process
// that knows a new field and leaves it out (undefined; null is a value) writes the version before it, which older
// processes read. So a release can learn to read before anything is written (schemas/README.md, "Roll it out").
//
// In Avro a message's command id is called `clientMessageId`, the word of the protocol; in memory every command has a
// `commandId`. Only records of our own topics are decoded here, never a client's bytes: Avro's decoder trusts the counts
// that it reads.
import avsc from 'avsc';
import type { MessagesRecord } from './commands.ts';
import { ENTRY_KINDS, type InboxRecord } from './inbox-records.ts';
import { writeRecord } from './record-slab.ts';
import { readSchemaFiles } from './schema-files.ts';
import type { TimelineEvent } from './timeline-events.ts';

/** Bytes that are no record we know: the partition stops until an operator parks the position (R8). */
export class UnreadableRecordError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnreadableRecordError';
  }
}

const MAGIC = 0;
const HEADER_BYTES = 5;

interface Codec {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly avro: avsc.Type;
  /** Reads this version as the newest one; null while it is the newest. */
  resolver: avsc.Resolver | null;
  newest: avsc.Type;
  /** null: the first one. */
  before: Codec | null;
  /** Fields of the record itself that the version before has not. */
  added: readonly string[];
}

const byId = new Map<number, Codec>();
const newestByName = new Map<string, Codec>();

for (const file of readSchemaFiles()) {
  const avro = avsc.Type.forSchema(JSON.parse(file.text) as avsc.Schema, { wrapUnions: false });
  const { id, name, version } = file;
  const codec: Codec = { id, name, version, avro, resolver: null, newest: avro, before: null, added: [] };
  byId.set(file.id, codec);
  if (file.version > (newestByName.get(file.name)?.version ?? 0)) newestByName.set(file.name, codec);
}
for (const codec of byId.values()) {
  codec.newest = newestByName.get(codec.name)!.avro;
  if (codec.newest !== codec.avro) codec.resolver = codec.newest.createResolver(codec.avro);
  const before = [...byId.values()].find(({ name, version }) => name === codec.name && version === codec.version - 1);
  if (before === undefined) continue;
  const known = fieldNamesOf(before.avro);
  codec.before = before;
  codec.added = fieldNamesOf(codec.avro).filter((field) => !known.includes(field));
}

function fieldNamesOf(type: avsc.Type): readonly string[] {
  return (type as avsc.types.RecordType).fields.map(({ name }) => name);
}

/** The newest version of which the record has every field. */
function codecFor(name: string, fields: object): Codec {
  let codec = newestByName.get(name)!;
  while (codec.before !== null && codec.added.some((field) => (fields as Record<string, unknown>)[field] === undefined))
    codec = codec.before;
  return codec;
}

function encode(name: string, fields: object): Buffer {
  const { id, avro } = codecFor(name, fields);
  return writeRecord((buffer, position) => {
    const start = position + HEADER_BYTES;
    if (start > buffer.length) return buffer.length - start;
    buffer[position] = MAGIC;
    buffer.writeUInt32BE(id, position + 1);
    return avro.encode(fields, buffer, start);
  });
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The id of the schema a record was written with. @throws UnreadableRecordError */
export function schemaIdOf(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) throw new UnreadableRecordError('the framing is missing');
  return ((bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!) >>> 0;
}

function decode(bytes: Uint8Array): { name: string; fields: Record<string, unknown> } {
  const id = schemaIdOf(bytes);
  const codec = byId.get(id);
  if (codec === undefined) throw new UnreadableRecordError(`schema id ${id} is unknown: a newer version wrote it`);
  try {
    // With a resolver avsc decodes the older version's bytes into the newest version's shape.
    const decoded = codec.newest.decode(asBuffer(bytes), HEADER_BYTES, codec.resolver ?? undefined) as {
      value: Record<string, unknown>;
      offset: number;
    };
    if (decoded.offset !== bytes.length) throw new UnreadableRecordError(`${codec.name} has the wrong length`);
    return { name: codec.name, fields: decoded.value };
  } catch (error) {
    if (error instanceof UnreadableRecordError) throw error;
    throw new UnreadableRecordError(`${codec.name} cannot be decoded`, { cause: error });
  }
}

function unexpected(name: string, topic: string): UnreadableRecordError {
  return new UnreadableRecordError(`${name} does not belong on the topic ${topic}`);
}

// --- messages -------------------------------------------------------------------------------------------------------

export function encodeMessagesRecord(record: MessagesRecord): Buffer {
  if (record.type !== 'SendMessage') return encode(record.type, record);
  const { conversationId, sender, commandId, origin, contentType, keyId, payload } = record;
  return encode('SendMessage', {
    conversationId,
    sender,
    clientMessageId: commandId,
    origin,
    contentType,
    keyId,
    payload: asBuffer(payload),
  });
}

/** @throws UnreadableRecordError */
export function decodeMessagesRecord(bytes: Uint8Array): MessagesRecord {
  const { name, fields: f } = decode(bytes);
  switch (name) {
    case 'SendMessage':
      return {
        type: name,
        conversationId: f.conversationId,
        sender: f.sender,
        commandId: f.clientMessageId,
        origin: f.origin,
        contentType: f.contentType,
        keyId: f.keyId,
        payload: f.payload,
      } as MessagesRecord;
    case 'CreateConversation':
    case 'AddMembers':
    case 'RemoveMember':
    case 'LeaveConversation':
    case 'Canary':
    case 'FoldVersion':
      return { type: name, ...f } as MessagesRecord;
    default:
      throw unexpected(name, 'messages');
  }
}

// --- timeline -------------------------------------------------------------------------------------------------------

export function encodeTimelineEvent(event: TimelineEvent): Buffer {
  if (event.type !== 'MessageSent') return encode(event.type, event);
  const { conversationId, seq, ordinal, sender, commandId, time, position, contentType, keyId, payload } = event;
  return encode('MessageSent', {
    conversationId,
    seq,
    ordinal,
    sender,
    clientMessageId: commandId,
    time,
    position,
    contentType,
    keyId,
    payload: asBuffer(payload),
  });
}

/** @throws UnreadableRecordError */
export function decodeTimelineEvent(bytes: Uint8Array): TimelineEvent {
  const { name, fields: f } = decode(bytes);
  switch (name) {
    case 'MessageSent':
      return {
        type: name,
        conversationId: f.conversationId,
        seq: f.seq,
        ordinal: f.ordinal,
        sender: f.sender,
        commandId: f.clientMessageId,
        time: f.time,
        position: f.position,
        contentType: f.contentType,
        keyId: f.keyId,
        payload: f.payload,
      } as TimelineEvent;
    case 'ConversationCreated':
    case 'MembersAdded':
    case 'MemberRemoved':
    case 'MemberLeft':
      return { type: name, ...f } as TimelineEvent;
    default:
      throw unexpected(name, 'timeline');
  }
}

// --- inbox ----------------------------------------------------------------------------------------------------------

export function encodeInboxRecord(record: InboxRecord): Buffer {
  if (record.type === 'InboxCanary') return encode(record.type, record);
  const { sourcePartition, sourcePosition, conversationId, seq, kind, time, recipients, joined, left, event } = record;
  return encode('InboxEntries', {
    sourcePartition,
    sourcePosition,
    conversationId,
    seq,
    kind: ENTRY_KINDS.indexOf(kind),
    time,
    recipients,
    joined,
    left,
    event: asBuffer(event),
  });
}

/** @throws UnreadableRecordError */
export function decodeInboxRecord(bytes: Uint8Array): InboxRecord {
  const { name, fields: f } = decode(bytes);
  switch (name) {
    case 'InboxEntries': {
      const kind = ENTRY_KINDS[f.kind as number];
      if (kind === undefined)
        throw new UnreadableRecordError(`entry kind ${f.kind} is unknown: a newer version wrote it`);
      // Written out, as above: spreading an object costs more than decoding it.
      return {
        type: name,
        sourcePartition: f.sourcePartition,
        sourcePosition: f.sourcePosition,
        conversationId: f.conversationId,
        seq: f.seq,
        kind,
        time: f.time,
        recipients: f.recipients,
        joined: f.joined,
        left: f.left,
        event: f.event,
      } as InboxRecord;
    }
    case 'InboxCanary':
      return { type: name, ...f } as InboxRecord;
    default:
      throw unexpected(name, 'inbox');
  }
}
