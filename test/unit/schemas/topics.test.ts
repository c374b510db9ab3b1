// What is written about the topics for people and machines outside is what the code does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readSchemaFiles } from '../../../services/events/schema-files.ts';
import { CLUSTER_LAYOUT, EMBEDDED_LAYOUT, type TopicName, topicOf } from '../../../services/events/topics.ts';
import { wantedTopics } from '../../../services/ports/log/kafka/topic-settings.ts';
import { readmePath, readTopicFacts, referenceTables, withTables } from './reference.ts';

const facts = readTopicFacts();

test('topics.json says of every topic what it is created with and held to', () => {
  const wanted = wantedTopics(CLUSTER_LAYOUT);
  assert.deepEqual(
    Object.values(facts).map(({ name }) => name),
    wanted.map(({ name }) => name),
  );
  for (const topic of Object.keys(CLUSTER_LAYOUT.partitions) as TopicName[]) {
    const { name, partitions, cleanup, retention_ms } = facts[topic]!;
    assert.equal(name, topicOf(CLUSTER_LAYOUT, topic));
    const cluster = CLUSTER_LAYOUT.partitions[topic];
    assert.deepEqual(partitions, { cluster, embedded: EMBEDDED_LAYOUT.partitions[topic] });
    const { settings } = wanted.find((other) => other.name === name)!;
    assert.equal(settings['cleanup.policy'], cleanup);
    assert.equal(settings['retention.ms'], String(retention_ms ?? -1));
    assert.equal(settings['message.timestamp.type'], 'LogAppendTime');
  }
});

test('topics.json names the records of each topic that are released, and no others', () => {
  const released = new Map<string, Set<string>>();
  for (const { topic, name } of readSchemaFiles()) released.set(topic, (released.get(topic) ?? new Set()).add(name));
  for (const [topic, { records }] of Object.entries(facts)) {
    assert.deepEqual([...records].sort(), [...released.get(topic)!].sort(), topic);
  }
});

test('events of one partition of messages are on one partition of timeline: readers drop repeats by position', () => {
  for (const { partitions } of [CLUSTER_LAYOUT, EMBEDDED_LAYOUT])
    assert.equal(partitions.messages, partitions.timeline);
});

test('schemas/README.md: tables, fields and test vectors are as the code has them', () => {
  const text = readFileSync(readmePath, 'utf8');
  assert.equal(text, withTables(text), 'node --import tsx test/unit/schemas/write-reference.ts writes them anew');
});

// Printed by Kafka's own code (4.1.1: Utils.murmur2, and Utils.toPositive modulo 16 and 4).
const VECTORS_OF_KAFKA = [
  '| `a` | 1 | -1563381124 | 12 | 0 |',
  '| `alice` | 5 | 1951417749 | 5 | 1 |',
  '| `d:5:alice3:bob` | 14 | 1870967126 | 6 | 2 |',
  '| `d:3:bob8:Zoë 🦊` | 18 | 1486508298 | 10 | 2 |',
  '| `g:0123456789abcdef0123456789abcdef` | 34 | 1407874851 | 3 | 3 |',
];

test('the test vectors are what Kafka’s own code gives', () => {
  assert.deepEqual(referenceTables().vectors!.split('\n').slice(2), VECTORS_OF_KAFKA);
});
