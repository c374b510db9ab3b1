// "Add a version" of schemas/README.md, followed on today's sources: a message gets a language. What the codec of that
// release reads and writes, before anybody runs it (test/cluster/evolution.test.ts does).
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as today from '../../../services/events/codec.ts';
import type { SendMessage } from '../../../services/events/commands.ts';
import { incompatibilities, incompatibilityText } from '../../../services/events/schema-compatibility.ts';
import { brokenConventions } from '../../../services/events/schema-conventions.ts';
import type { MessageSent } from '../../../services/events/timeline-events.ts';
import { buildRelease } from '../../evolution/build-release.ts';
import { ADDED_FIELDS, RELEASE_A } from '../../evolution/language-field.ts';
import { nextSchemas } from '../../evolution/next-schemas.ts';
import { readAsToday } from '../../evolution/read-as-today.ts';
import { plain } from './golden/golden-records.ts';

const schemas = nextSchemas(ADDED_FIELDS);
const folder = mkdtempSync(join(tmpdir(), 'fanlog-next-release-'));
let next: typeof today;

before(async () => {
  const { codecFile } = await buildRelease(join(folder, 'a'), { patches: RELEASE_A, schemas });
  next = (await import(codecFile)) as typeof today;
});

after(() => rmSync(folder, { recursive: true, force: true }));

const base = { conversationId: 'd:3:ada3:bea', sender: 'ada', commandId: '01890a5d-ac96-774b-bcce-b302099a8057' };
const content = { contentType: 'text/plain', keyId: null, payload: Buffer.from('Grüße 💬') };
const origin = { node: 'edge', incarnation: 'a1', session: 7, request: 9 };
const command: SendMessage = { type: 'SendMessage', ...base, origin, ...content };
const event: MessageSent = { type: 'MessageSent', ...base, seq: 3, ordinal: 2, time: 5, position: 7, ...content };

/** Of the newest version of MessageSent, and of the one before it. */
const [newId, oldId] = schemas
  .filter(({ name }) => name === 'MessageSent')
  .sort((a, b) => b.version - a.version)
  .map(({ id }) => id);

test('the next versions keep to the conventions, and every version reads every other one', () => {
  assert.deepEqual(schemas.flatMap(brokenConventions), []);
  assert.deepEqual(incompatibilities(schemas).map(incompatibilityText), []);
});

test('a record without the new field is written as before, byte for byte', () => {
  assert.deepEqual(next.encodeTimelineEvent(event), today.encodeTimelineEvent(event));
  assert.deepEqual(next.encodeMessagesRecord(command), today.encodeMessagesRecord(command));
  assert.equal(next.schemaIdOf(next.encodeTimelineEvent(event)), oldId);
});

test('a record with it, null too, is written in the new version, and comes back', () => {
  for (const language of ['en', null]) {
    const sent = { ...event, language };
    const bytes = next.encodeTimelineEvent(sent);
    assert.equal(next.schemaIdOf(bytes), newId);
    assert.deepEqual(plain(next.decodeTimelineEvent(bytes)), plain(sent));
    const asked = { ...command, language };
    assert.deepEqual(plain(next.decodeMessagesRecord(next.encodeMessagesRecord(asked))), plain(asked));
  }
});

test('a record of before is read with the default', () => {
  const read = next.decodeTimelineEvent(today.encodeTimelineEvent(event));
  assert.deepEqual(plain(read), plain({ ...event, language: null }));
});

test('a process of before refuses the new version, by name of its id', () => {
  const bytes = next.encodeTimelineEvent({ ...event, language: 'en' } as MessageSent);
  assert.throws(() => today.decodeTimelineEvent(bytes), {
    name: 'UnreadableRecordError',
    message: `schema id ${newId} is unknown: a newer version wrote it`,
  });
});

test('a reader of before that resolves by Avro reads it as if the field were not there, inside an inbox record too', () => {
  const read = readAsToday(schemas);
  const bytes = next.encodeTimelineEvent({ ...event, language: 'en' } as MessageSent);
  const asToday = today.encodeTimelineEvent(event);
  assert.deepEqual(read('timeline', bytes), asToday);
  assert.deepEqual(read('timeline', asToday), asToday);
  const source = { sourcePartition: 1, sourcePosition: 8, conversationId: base.conversationId, seq: 3, time: 5 };
  const entries = {
    ...source,
    recipients: ['bea'],
    joined: [],
    left: [],
    type: 'InboxEntries',
    kind: 'MessageSent',
  } as const;
  const held = read('inbox', today.encodeInboxRecord({ ...entries, event: bytes }));
  assert.deepEqual(held, today.encodeInboxRecord({ ...entries, event: asToday }));
});
