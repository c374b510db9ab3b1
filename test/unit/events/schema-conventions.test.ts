import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidSchemaError, parseSchema } from '../../../services/events/avro-schema.ts';
import { canonicalForm, fingerprintOf } from '../../../services/events/canonical-form.ts';
import { brokenConventions } from '../../../services/events/schema-conventions.ts';
import { readSchemaFiles, type SchemaFile } from '../../../services/events/schema-files.ts';

const files = readSchemaFiles();

test('the released schemas keep to the conventions', () => {
  for (const file of files) assert.deepEqual(brokenConventions(file), [], file.name);
});

test('ids are given once, in order, and versions of a name follow each other on one topic', () => {
  const newest = new Map<string, SchemaFile>();
  files.forEach((file, index) => {
    const before = newest.get(file.name);
    assert.equal(file.id, index + 1, `${file.name}: ids have no holes`);
    assert.equal(file.version, (before?.version ?? 0) + 1, file.name);
    assert.equal(file.topic, before?.topic ?? file.topic, file.name);
    newest.set(file.name, file);
  });
});

test('each broken convention is named, with the field', () => {
  const doc = 'What it is.';
  const broken = (fields: object[], more: object = {}) => {
    const schema = { type: 'record', name: 'T', namespace: 'fanlog.v1', doc, fields, ...more };
    return brokenConventions({ ...files[0]!, name: 'T', text: JSON.stringify(schema) });
  };
  const optional = { name: 'o', type: ['null', 'string'], default: null, doc };
  assert.deepEqual(broken([{ name: 'conversationId', type: 'string', doc }, optional]), []);
  assert.deepEqual(broken([optional], { doc: '' }), ['T: must say what it is (doc)']);
  assert.deepEqual(broken([optional], { namespace: 'other' }), ['T: must be called fanlog.v1.T']);
  assert.deepEqual(broken([optional, { name: 'seq', type: 'long', doc }]), ['T: must begin with seq']);
  assert.deepEqual(broken([{ name: 'b', type: 'bytes', doc }, optional]), ['T.b: bytes, the body, come last']);
  assert.deepEqual(broken([{ name: 'n', type: 'long' }]), ['T.n: must say what it is (doc)']);
  assert.deepEqual(broken([{ name: 'u', type: ['int', 'string'], default: 1, doc }]), [
    'T.u: a union is of null and one other type',
    'T.u: a union has the default null',
  ]);
  assert.deepEqual(broken([{ name: 'time', type: 'long', doc }]), ['T.time: a time is a timestamp-millis']);
  assert.deepEqual(broken([{ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' }, doc }]), [
    'T.at: the only logical type is timestamp-millis, of a long',
  ]);
  assert.deepEqual(broken([{ name: 'n', type: 'double', doc }]), ['T.n: there are no floating-point numbers']);
  assert.deepEqual(broken([{ name: 'n', type: 'long', default: 2 ** 53, doc }]), ['T.n: numbers stay below 2^53']);
  const items = { type: 'record', name: 'I', fields: [{ name: 'x', type: 'double' }] };
  assert.deepEqual(broken([{ name: 'list', type: { type: 'array', items }, doc }]), [
    'T.list[].x: there are no floating-point numbers',
  ]);
});

test('the canonical form of each file has the fingerprint that ids.json states', () => {
  for (const { name, text, fingerprint } of files) assert.equal(fingerprintOf(parseSchema(text)), fingerprint, name);
});

test('the canonical form keeps what changes the bytes, and nothing else', () => {
  const written = {
    doc: 'Gone.',
    name: 'a.b.T',
    type: 'record',
    fields: [
      { name: 'x', doc: 'Gone.', type: { type: 'string' }, default: 'gone' },
      { name: 'y', type: { type: 'enum', name: 'E', aliases: ['F'], symbols: ['A', 'B'] } },
      { name: 'z', type: ['null', 'E', { type: 'map', values: { type: 'fixed', size: 4, name: 'c.H' } }] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ],
  };
  assert.equal(
    canonicalForm(parseSchema(JSON.stringify(written))),
    '{"name":"a.b.T","type":"record","fields":[{"name":"x","type":"string"},' +
      '{"name":"y","type":{"name":"a.b.E","type":"enum","symbols":["A","B"]}},' +
      '{"name":"z","type":["null","a.b.E",{"type":"map","values":{"name":"c.H","type":"fixed","size":4}}]},' +
      '{"name":"at","type":"long"}]}',
  );
});

test('what is no schema is refused with a sentence, however deep it is', () => {
  for (const text of [
    'no JSON',
    '7',
    'null',
    '{}',
    '"Unknown"',
    '{"type":"record","name":"T"}',
    '{"type":"record","fields":[]}',
    '{"type":"record","name":"T","fields":[null]}',
    '{"type":"record","name":"T","fields":[{"name":"x"}]}',
    '{"type":"enum","name":"E","symbols":[1]}',
    '{"type":"fixed","name":"F","size":"4"}',
    '[{"type":"fixed","name":"F","size":4},{"type":"fixed","name":"F","size":4}]',
    `${'{"type":"array","items":'.repeat(5_000)}"string"${'}'.repeat(5_000)}`,
  ]) {
    assert.throws(() => parseSchema(text), InvalidSchemaError, text.slice(0, 60));
  }
});
