import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import {
  decodeInboxRecord,
  decodeMessagesRecord,
  decodeTimelineEvent,
  encodeInboxRecord,
  encodeMessagesRecord,
  encodeTimelineEvent,
  schemaIdOf,
  UnreadableRecordError,
} from '../../../services/events/codec.ts';
import type { MessagesRecord } from '../../../services/events/commands.ts';
import type { InboxRecord } from '../../../services/events/inbox-records.ts';
import { readSchemaFiles } from '../../../services/events/schema-files.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';

const origin = { node: 'edge-1', incarnation: 'a1', session: 7, request: 9 };
const base = { conversationId: 'd:5:alice3:bob', sender: 'alice', commandId: '01890a5d-ac96-774b-bcce-b302099a8057' };
const payload = Buffer.from('“Grüße” 💬');
const event = { ...base, seq: 3, ordinal: 2, time: 1_700_000_000_123, position: 2 ** 41 + 5 };

const messages: MessagesRecord[] = [
  { type: 'SendMessage', ...base, origin, contentType: 'text/plain', keyId: null, payload },
  { type: 'SendMessage', ...base, origin, contentType: 'text/plain', keyId: 'k1', payload: Buffer.alloc(16 * 1024, 7) },
  { type: 'CreateConversation', ...base, origin, title: 'T', memberLimit: 500, members: ['bob'] },
  { type: 'AddMembers', ...base, origin, members: ['x', 'y'] },
  { type: 'RemoveMember', ...base, origin, member: 'x' },
  { type: 'LeaveConversation', ...base, origin },
  { type: 'Canary', canaryId: 'c', origin },
  { type: 'FoldVersion', version: 2 },
];
const timeline: TimelineEvent[] = [
  { type: 'MessageSent', ...event, contentType: 'text/plain', keyId: null, payload },
  { type: 'ConversationCreated', ...event, title: 'T', memberLimit: 500, members: ['alice', 'bob'] },
  { type: 'MembersAdded', ...event, members: ['x'] },
  { type: 'MemberRemoved', ...event, member: 'x' },
  { type: 'MemberLeft', ...event, successor: null },
  { type: 'MemberLeft', ...event, successor: 'bob' },
];
const inbox: InboxRecord[] = [
  {
    type: 'InboxEntries',
    sourcePartition: 1,
    sourcePosition: 2 ** 40 + 8,
    conversationId: base.conversationId,
    seq: 3,
    kind: 'MemberRemoved',
    time: 5,
    recipients: ['alice', 'bob'],
    joined: ['bob'],
    left: [{ user: 'x', joinedSeq: 1 }],
    event: encodeTimelineEvent(timeline[0]!),
  },
  { type: 'InboxCanary', sourcePartition: 1, sourcePosition: 8, canaryId: 'c', origin },
];

/** avsc gives decoded records prototypes of its own; only their fields matter. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test('every kind of record comes back as it was written', () => {
  for (const record of messages)
    assert.deepEqual(plain(decodeMessagesRecord(encodeMessagesRecord(record))), plain(record));
  for (const record of timeline)
    assert.deepEqual(plain(decodeTimelineEvent(encodeTimelineEvent(record))), plain(record));
  for (const record of inbox) assert.deepEqual(plain(decodeInboxRecord(encodeInboxRecord(record))), plain(record));
});

test('records encoded one behind the other never touch each other, across slabs', () => {
  const large = { ...messages[1], payload: Buffer.alloc(16 * 1024, 1) } as MessagesRecord;
  const first = encodeMessagesRecord(messages[0]!);
  const copy = Buffer.from(first);
  const many = Array.from({ length: 100 }, () => encodeMessagesRecord(large));
  assert.deepEqual(first, copy);
  for (const bytes of many) assert.deepEqual(plain(decodeMessagesRecord(bytes)), plain(large));
  const huge = { ...timeline[1], members: Array.from({ length: 40_000 }, (_, i) => `a-member-with-a-long-name-${i}`) };
  assert.deepEqual(plain(decodeTimelineEvent(encodeTimelineEvent(huge as TimelineEvent))), plain(huge));
});

test('bytes that are no record of the topic are refused, whatever they are', () => {
  const good = encodeMessagesRecord(messages[0]!);
  const bad = [
    Buffer.alloc(0),
    Buffer.from([0, 0, 0]),
    Buffer.from([1, ...good.subarray(1)]),
    Buffer.from([0, 0, 0, 0x7f, 0xff, 1, 2]),
    good.subarray(0, good.length - 1),
    Buffer.concat([good, Buffer.from([0])]),
    encodeTimelineEvent(timeline[0]!),
  ];
  for (const bytes of bad) assert.throws(() => decodeMessagesRecord(bytes), UnreadableRecordError);
});

test('a released schema is never edited: each file still has the fingerprint that ids.json states', () => {
  for (const { name, text, fingerprint } of readSchemaFiles()) {
    const type = avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { wrapUnions: false });
    assert.equal(type.fingerprint('sha256').toString('hex'), fingerprint, name);
  }
});

test('a reader without our code reads a record by its schema id and file', () => {
  const bytes = encodeTimelineEvent(timeline[0]!);
  const file = readSchemaFiles().find(({ id }) => id === schemaIdOf(bytes));
  const type = avsc.Type.forSchema(JSON.parse(file!.text) as avsc.Schema);
  const read = type.fromBuffer(bytes.subarray(5)) as { clientMessageId: string; payload: Buffer };
  assert.equal(read.clientMessageId, base.commandId);
  assert.equal(read.payload.toString(), '“Grüße” 💬');
});
