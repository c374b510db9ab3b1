// asyncapi.yaml is AsyncAPI 3.0 by its own schema, and says what topics.json and the released schemas say.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { readSchemaFiles, schemasFolder } from '../../../services/events/schema-files.ts';
import { readTopicFacts } from './reference.ts';

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, { readonly $ref: string }>>;
  readonly bindings: {
    readonly kafka: {
      readonly topic: string;
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}
interface Document {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly name: string; readonly payload: { readonly schema: { readonly $ref: string } } }>
    >;
  };
}

const text = readFileSync(join(schemasFolder(), 'asyncapi.yaml'), 'utf8');
const document = parse(text) as Document;

test('it is valid by the schema of AsyncAPI 3.0', () => {
  const require = createRequire(import.meta.url);
  const schema = require('@asyncapi/specs/schemas/3.0.0-without-$id.json');
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile(schema);
  assert.ok(validate(document), ajv.errorsText(validate.errors));
  assert.ok(!validate({ ...document, channels: { timeline: { adress: 'x' } } }), 'it finds mistakes');
});

test('every reference inside it leads somewhere', () => {
  const references = [...text.matchAll(/\$ref: '?([^'\s}]+)/g)].map(([, reference]) => reference!);
  assert.ok(references.length > 20);
  for (const reference of references) {
    if (!reference.startsWith('#')) assert.ok(existsSync(join(schemasFolder(), reference)), reference);
    else {
      const found = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      assert.ok(found, reference);
    }
  }
});

test('channels are the topics, with their partitions, retention and records', () => {
  const facts = readTopicFacts();
  assert.deepEqual(Object.keys(document.channels), Object.keys(facts));
  for (const [topic, { name, partitions, cleanup, retention_ms, records }] of Object.entries(facts)) {
    const { address, bindings, messages } = document.channels[topic]!;
    assert.deepEqual([address, bindings.kafka.topic, bindings.kafka.partitions], [name, name, partitions.cluster]);
    const configuration = { 'cleanup.policy': [cleanup], 'retention.ms': retention_ms ?? -1 };
    assert.deepEqual(bindings.kafka.topicConfiguration, configuration);
    assert.deepEqual(Object.keys(messages).sort(), [...records].sort());
    for (const [record, { $ref }] of Object.entries(messages)) assert.equal($ref, `#/components/messages/${record}`);
  }
});

test('messages are the newest released schemas', () => {
  const ids = JSON.parse(readFileSync(join(schemasFolder(), 'ids.json'), 'utf8')) as Record<
    string,
    { name: string; file: string }
  >;
  const newest = new Map(Object.values(ids).map(({ name, file }) => [name, file]));
  assert.equal(newest.size, new Set(readSchemaFiles().map(({ name }) => name)).size);
  assert.deepEqual(Object.keys(document.components.messages).sort(), [...newest.keys()].sort());
  for (const [record, { name, payload }] of Object.entries(document.components.messages)) {
    assert.equal(name, `fanlog.v1.${record}`);
    assert.equal(payload.schema.$ref, `./${newest.get(record)}`);
  }
});
