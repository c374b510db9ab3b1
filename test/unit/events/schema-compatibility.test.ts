// The check itself on invented evolutions, each held against avsc; then the released schemas.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { incompatibilities, incompatibilityText } from '../../../services/events/schema-compatibility.ts';
import { readSchemaFiles, type SchemaFile } from '../../../services/events/schema-files.ts';

type Field = { readonly name: string; readonly type: unknown; readonly [attribute: string]: unknown };

const id: Field = { name: 'id', type: 'string' };
const inner = (...fields: Field[]) => ({ type: 'record', name: 'Inner', fields });
const symbols = (...names: string[]) => ({ type: 'enum', name: 'Kind', symbols: names });
const fixed = (size: number) => ({ type: 'fixed', name: 'Hash', size });
const millis = { type: 'long', logicalType: 'timestamp-millis' };

/** A schema of these fields, as version `version` of a record T. */
function version(number: number, fields: readonly Field[], more: object = {}): SchemaFile {
  const text = JSON.stringify({ type: 'record', name: 'T', namespace: 'test', fields, ...more });
  return { id: number, name: 'T', topic: 'timeline', version: number, fingerprint: '', text };
}

function avro({ text }: SchemaFile): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { wrapUnions: false });
}

function avscReads(reader: SchemaFile, writer: SchemaFile): boolean {
  try {
    avro(reader).createResolver(avro(writer));
    return true;
  } catch {
    return false;
  }
}

const COMPATIBLE: Readonly<Record<string, readonly [readonly Field[], readonly Field[]]>> = {
  'nothing changed': [[id], [id]],
  'a field with a default was added': [[id], [id, { name: 'n', type: 'int', default: 0 }]],
  'a field with a default was removed': [[id, { name: 'n', type: 'int', default: 0 }], [id]],
  'an optional field was added in the middle': [
    [id, { name: 'body', type: 'bytes' }],
    [id, { name: 'key', type: ['null', 'string'], default: null }, { name: 'body', type: 'bytes' }],
  ],
  'fields changed places': [
    [id, { name: 'n', type: 'int' }],
    [{ name: 'n', type: 'int' }, id],
  ],
  'a record inside grew by a field with a default': [
    [{ name: 'in', type: inner(id) }],
    [{ name: 'in', type: inner(id, { name: 'n', type: 'long', default: 0 }) }],
  ],
  'the items of an array grew by a field with a default': [
    [{ name: 'list', type: { type: 'array', items: inner(id) } }],
    [{ name: 'list', type: { type: 'array', items: inner(id, { name: 'n', type: 'long', default: 0 }) } }],
  ],
  'a field was documented': [[id], [{ ...id, doc: 'Names it.' }]],
};

for (const [what, [before, after]] of Object.entries(COMPATIBLE)) {
  test(`compatible: ${what}`, () => {
    const files = [version(1, before), version(2, after)];
    assert.deepEqual(incompatibilities(files), []);
    // Not only by the rules: the bytes are read to their end, both ways.
    for (const [reader, writer] of [files, [...files].reverse()] as [SchemaFile, SchemaFile][]) {
      const [read, written] = [avro(reader), avro(writer)];
      const bytes = written.toBuffer(written.random());
      assert.equal(read.decode(bytes, 0, read.createResolver(written)).offset, bytes.length);
    }
  });
}

const NEW_READS_OLD = 'T: version 2, new reader of old bytes, cannot read version 1: ';
const OLD_READS_NEW = 'T: version 1, old reader of new bytes, cannot read version 2: ';

const INCOMPATIBLE: Readonly<Record<string, readonly [readonly Field[], readonly Field[], readonly string[]]>> = {
  'a field without a default was added': [
    [id],
    [id, { name: 'n', type: 'int' }],
    [`${NEW_READS_OLD}field n: is missing there and has no default here`],
  ],
  'a field without a default was removed': [
    [id, { name: 'n', type: 'int' }],
    [id],
    [`${OLD_READS_NEW}field n: is missing there and has no default here`],
  ],
  'a field was renamed, with an alias: only new readers know it': [
    [id],
    [{ name: 'key', aliases: ['id'], type: 'string' }],
    [`${OLD_READS_NEW}field id: is missing there and has no default here`],
  ],
  'a number became wider: old readers cannot take it': [
    [{ name: 'n', type: 'int' }],
    [{ name: 'n', type: 'long' }],
    [`${OLD_READS_NEW}field n: long cannot be read as int`],
  ],
  'a type changed': [
    [{ name: 'n', type: 'string' }],
    [{ name: 'n', type: 'int' }],
    [`${OLD_READS_NEW}field n: int cannot be read as string`, `${NEW_READS_OLD}field n: string cannot be read as int`],
  ],
  'a field became optional': [
    [{ name: 's', type: 'string' }],
    [{ name: 's', type: ['null', 'string'], default: null }],
    [`${OLD_READS_NEW}field s: null cannot be read as string`],
  ],
  'a union lost a branch': [
    [{ name: 's', type: ['null', 'string', 'int'], default: null }],
    [{ name: 's', type: ['null', 'string'], default: null }],
    [`${NEW_READS_OLD}field s: int fits no branch of [null, string]`],
  ],
  'a record inside grew by a field without a default': [
    [{ name: 'in', type: inner(id) }],
    [{ name: 'in', type: inner(id, { name: 'n', type: 'long' }) }],
    [`${NEW_READS_OLD}field in.n: is missing there and has no default here`],
  ],
  'the items of an array changed': [
    [{ name: 'list', type: { type: 'array', items: inner(id) } }],
    [{ name: 'list', type: { type: 'array', items: inner({ name: 'id', type: 'long' }) } }],
    [
      `${OLD_READS_NEW}field list[].id: long cannot be read as string`,
      `${NEW_READS_OLD}field list[].id: string cannot be read as long`,
    ],
  ],
  'the values of a map changed': [
    [{ name: 'map', type: { type: 'map', values: 'int' } }],
    [{ name: 'map', type: { type: 'map', values: 'long' } }],
    [`${OLD_READS_NEW}field map{}: long cannot be read as int`],
  ],
  'an enum got a symbol': [
    [{ name: 'kind', type: symbols('A') }],
    [{ name: 'kind', type: symbols('A', 'B') }],
    [`${OLD_READS_NEW}field kind: the symbols B are unknown here, and there is no default`],
  ],
  'a fixed changed its size': [
    [{ name: 'hash', type: fixed(16) }],
    [{ name: 'hash', type: fixed(32) }],
    [`${OLD_READS_NEW}field hash: 32 bytes are not 16`, `${NEW_READS_OLD}field hash: 16 bytes are not 32`],
  ],
};

for (const [what, [before, after, expected]] of Object.entries(INCOMPATIBLE)) {
  test(`incompatible: ${what}`, () => {
    const [older, newer] = [version(1, before), version(2, after)];
    const found = incompatibilities([older, newer]);
    assert.deepEqual(found.map(incompatibilityText), expected);
    assert.deepEqual(
      [avscReads(newer, older), avscReads(older, newer)],
      [
        found.every(({ readerVersion }) => readerVersion !== 2),
        found.every(({ readerVersion }) => readerVersion !== 1),
      ],
      'avsc agrees on each direction',
    );
  });
}

const READ_WRONGLY: Readonly<Record<string, readonly [readonly Field[], readonly Field[], readonly string[]]>> = {
  'a time got another unit': [
    [{ name: 'at', type: millis }],
    [{ name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } }],
    [
      `${OLD_READS_NEW}field at: the logical type is timestamp-micros there and timestamp-millis here`,
      `${NEW_READS_OLD}field at: the logical type is timestamp-millis there and timestamp-micros here`,
    ],
  ],
  'bytes became text': [
    [{ name: 'body', type: 'bytes' }],
    [{ name: 'body', type: 'string' }],
    [`${NEW_READS_OLD}field body: bytes cannot be read as string`],
  ],
};

for (const [what, [before, after, expected]] of Object.entries(READ_WRONGLY)) {
  test(`incompatible, although Avro would read it: ${what}`, () => {
    const [older, newer] = [version(1, before), version(2, after)];
    assert.deepEqual(incompatibilities([older, newer]).map(incompatibilityText), expected);
    assert.ok(avscReads(newer, older) && avscReads(older, newer), 'avsc is not enough');
  });
}

test('another name of the record is no version of it', () => {
  const [found] = incompatibilities([version(1, [id]), version(2, [id], { name: 'U' })]);
  assert.equal(found?.reason, 'record test.U cannot be read as record test.T');
});

test('versions that are not neighbours are compared too, and other records are not', () => {
  const n = { name: 'n', type: 'int' };
  const files = [version(1, [n]), version(2, [{ ...n, default: 0 }]), version(3, [])];
  assert.deepEqual(incompatibilities(files).map(incompatibilityText), [
    'T: version 1, old reader of new bytes, cannot read version 3: field n: is missing there and has no default here',
  ]);
  assert.deepEqual(incompatibilities([files[0]!, { ...files[2]!, name: 'Other' }]), []);
});

test('a type that holds itself is compared to its end', () => {
  const node = (value: unknown): Field[] => [
    { name: 'value', type: value },
    { name: 'next', type: ['null', 'T'], default: null },
  ];
  assert.deepEqual(incompatibilities([version(1, node('int')), version(2, node('int'))]), []);
  const [found] = incompatibilities([version(1, node('int')), version(2, node('long'))]);
  assert.equal(found?.field, 'value');
});

test('every released version reads every other one of its record, both ways', () => {
  assert.deepEqual(incompatibilities(readSchemaFiles()).map(incompatibilityText), []);
});
