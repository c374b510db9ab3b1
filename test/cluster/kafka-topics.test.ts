// A start on topics that would break a rule is refused, in words.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import kafkajs from 'kafkajs';
import { type TopicName, topicOf } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { checkTopics, TopicSettingsError } from '../../services/ports/log/kafka/check-topics.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { DEVELOPMENT_TOPICS } from '../../services/ports/log/kafka/topic-settings.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { KafkaTopics, randomLayout } from './kafka-subject.ts';

let topics: KafkaTopics;

before(async () => {
  topics = await KafkaTopics.create();
});

after(() => topics.remove());

/** A change of settings takes a moment to get around: asks until `sentence` is among the findings, or the test's time is up. */
async function untilFound(sentence: string, production = false): Promise<void> {
  for (let found: string[] = []; !found.includes(sentence); ) found = await findings(production);
}

async function findings(production = false, layout = topics.layout): Promise<string[]> {
  const { brokers } = topics;
  try {
    await checkTopics({ brokers, layout, logger: silentLogger, production });
    return [];
  } catch (error) {
    assert.ok(error instanceof TopicSettingsError, String(error));
    return error.message.slice(0, -1).split('; ');
  }
}

async function set(topic: TopicName, name: string, value: string): Promise<void> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topicOf(topics.layout, topic) };
  await withAdmin({ brokers: topics.brokers, logger: silentLogger }, (admin) =>
    admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name, value }] }] }),
  );
}

describe('the topics of a layout', () => {
  it('pass the check as they were created, and are not created twice', TEST_LIMITS, async () => {
    const { brokers, layout } = topics;
    const options = { brokers, layout, logger: silentLogger, runtime: systemRuntime, profile: DEVELOPMENT_TOPICS };
    assert.deepEqual(await createTopics(options), []);
    assert.deepEqual(await findings(), []);
  });

  it('are refused when they are missing', TEST_LIMITS, async () => {
    const layout = randomLayout();
    const found = await findings(false, layout);
    assert.equal(found.length, 3);
    assert.equal(found[0], `topic ${topicOf(layout, 'messages')}: topic is missing, wanted is present`);
  });

  it('are refused when they have another number of partitions', TEST_LIMITS, async () => {
    const { layout } = topics;
    const other = { ...layout, partitions: { ...layout.partitions, inbox: 5 } };
    assert.deepEqual(await findings(false, other), [`topic ${topicOf(layout, 'inbox')}: partitions is 4, wanted is 5`]);
  });

  for (const [topic, setting, value, wanted] of [
    ['messages', 'message.timestamp.type', 'CreateTime', 'LogAppendTime'],
    ['timeline', 'cleanup.policy', 'compact', 'delete'],
    ['messages', 'retention.ms', '604800000', '-1'],
    ['timeline', 'retention.bytes', '1073741824', '-1'],
    ['inbox', 'compression.type', 'gzip', 'producer or uncompressed (the broker is not to compress what we sent)'],
    ['inbox', 'max.message.bytes', '10000', 'at least 921600'],
  ] as const) {
    it(`are refused when ${setting} is ${value}`, TEST_LIMITS, async () => {
      await set(topic, setting, value);
      // Setting one takes the others back to the server's defaults.
      await untilFound(`topic ${topicOf(topics.layout, topic)}: ${setting} is ${value}, wanted is ${wanted}`);
    });
  }

  it('of one copy are refused in production', TEST_LIMITS, async () => {
    await set('messages', 'unclean.leader.election.enable', 'true');
    const name = topicOf(topics.layout, 'messages');
    for (const sentence of [
      `topic ${name}: replication factor is 1, wanted is at least 3`,
      `topic ${name}: min.insync.replicas is 1, wanted is at least 2`,
      `topic ${name}: unclean.leader.election.enable is true, wanted is false`,
    ])
      await untilFound(sentence, true);
  });
});
