// Bytes of every schema that was ever released, against today's code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { encodeTimelineEvent, schemaIdOf } from '../../../services/events/codec.ts';
import { readSchemaFiles, type SchemaFile } from '../../../services/events/schema-files.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import { decodeOn, encodeOn, plain, readGolden, sha256Of } from './golden/golden-records.ts';

const files = readSchemaFiles();
const golden = readGolden();
const HOW = 'run test/unit/events/golden/add-golden-records.ts (schemas/README.md)';

function isNewest({ name, version }: SchemaFile): boolean {
  return files.every((other) => other.name !== name || other.version <= version);
}

test('every schema id has golden records', () => {
  for (const { id, name, version } of files) {
    assert.ok((golden[id]?.records.length ?? 0) > 0, `id ${id}, ${name} version ${version}, has none: ${HOW}`);
  }
});

test('ids.json is only added to, and a released file is never edited, not even its documentation', () => {
  for (const [id, { name, version, sha256 }] of Object.entries(golden)) {
    const file = files.find((candidate) => candidate.id === Number(id));
    assert.ok(file !== undefined, `id ${id} (${name}, version ${version}) is gone from schemas/ids.json`);
    assert.deepEqual([file.name, file.version], [name, version], `id ${id} is another schema now`);
    assert.equal(sha256Of(file), sha256, `${name}, version ${version}, was edited: make it a new version`);
  }
});

for (const file of files) {
  const { id, name, version, topic, text } = file;
  const records = golden[id]?.records ?? [];

  test(`${name}, version ${version} (id ${id}): the golden bytes mean what they meant`, () => {
    const avro = avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { wrapUnions: false });
    assert.ok(records.length > 0, HOW);
    for (const { hex, fields, decoded } of records) {
      const bytes = Buffer.from(hex, 'hex');
      assert.equal(schemaIdOf(bytes), id);
      assert.deepEqual(plain(avro.fromBuffer(bytes.subarray(5))), fields);
      const today = plain(decodeOn(topic, bytes)) as Record<string, unknown>;
      // An older version's record may have got fields since, and lost some that had a default.
      const kept = Object.keys(decoded).filter((key) => isNewest(file) || key in today);
      for (const key of kept) assert.deepEqual(today[key], decoded[key], key);
      if (isNewest(file)) assert.deepEqual(Object.keys(today).sort(), Object.keys(decoded).sort());
    }
  });

  if (!isNewest(file)) continue;
  test(`${name}, version ${version} (id ${id}): today’s code writes the golden bytes`, () => {
    assert.ok(records.length > 0, HOW);
    for (const { hex } of records) {
      const record = decodeOn(topic, Buffer.from(hex, 'hex'));
      assert.equal(encodeOn(topic, record).toString('hex'), hex);
    }
  });
}

test('a number that cannot be held exactly is refused, not rounded', () => {
  const [{ hex } = { hex: '' }] = golden[8]?.records ?? [];
  const event = decodeOn('timeline', Buffer.from(hex, 'hex')) as TimelineEvent;
  assert.equal(event.position, 2 ** 53 - 2);
  assert.throws(() => encodeTimelineEvent({ ...event, position: 2 ** 53 }));
});
