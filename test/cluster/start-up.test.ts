// A process of the cluster profile refuses servers that it must not run on, and says which and why.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { CLUSTER_LAYOUT, type TopicLayout } from '../../services/events/topics.ts';
import { type Configuration, loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { Metrics } from '../../services/kernel/metrics.ts';
import { systemRuntime as runtime } from '../../services/kernel/system-runtime.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { DEVELOPMENT_TOPICS, wantedTopics } from '../../services/ports/log/kafka/topic-settings.ts';
import { CassandraStateStore } from '../../services/ports/store/cassandra/cassandra-state-store.ts';
import { StartError } from '../../services/profiles/start-error.ts';
import { createCluster } from '../../services/profiles/start-server.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { serversOfThisRun } from './servers.ts';

const parts = { runtime, logger: silentLogger, metrics: new Metrics() };

/** A keyspace and topics of its own. */
async function configurationOfOwn(env: Record<string, string> = {}): Promise<Configuration> {
  const own = `t${randomBytes(6).toString('hex')}`;
  const { kafka, cassandra, redis } = await serversOfThisRun();
  const loaded = loadConfiguration({
    FANLOG_KAFKA: kafka,
    FANLOG_CASSANDRA: cassandra,
    FANLOG_REDIS: redis,
    FANLOG_KEYSPACE: own,
    FANLOG_PREFIX: `${own}.`,
    FANLOG_SECRET: randomBytes(48).toString('base64'),
    ...env,
  });
  assert.ok('configuration' in loaded, 'errors' in loaded ? loaded.errors.join('\n') : '');
  return loaded.configuration;
}

function layoutOf({ cluster }: Configuration): TopicLayout {
  return { ...CLUSTER_LAYOUT, prefix: cluster!.prefix };
}

function storeOf({ cluster }: Configuration): Promise<CassandraStateStore> {
  const { cassandra, dataCenter, keyspace } = cluster!;
  const replication = { class: 'NetworkTopologyStrategy', [dataCenter]: 1 };
  return CassandraStateStore.open({ contactPoints: cassandra, dataCenter, keyspace, replication });
}

async function removeTopics(configuration: Configuration): Promise<void> {
  const topics = wantedTopics(layoutOf(configuration)).map(({ name }) => name);
  const { kafka } = configuration.cluster!;
  await withAdmin({ brokers: kafka, logger: silentLogger }, (admin) => admin.deleteTopics({ topics }));
}

function refusalOf(configuration: Configuration): Promise<string> {
  return createCluster(configuration, parts).then(
    () => assert.fail('it was not refused'),
    (error: unknown) => {
      assert.ok(error instanceof StartError, String(error));
      assert.doesNotMatch(error.message, /\n/);
      return error.message;
    },
  );
}

describe('a start on servers', () => {
  it('makes what is missing, and is content with it the next time', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    await createCluster(configuration, parts);
    await createCluster(configuration, parts);
    const store = await storeOf(configuration);
    const generation = await store.loadGeneration();
    assert.deepEqual(generation?.partitions, CLUSTER_LAYOUT.partitions);
    await store.close();
    await removeTopics(configuration);
  });

  it('is refused when topics have other partition counts than the generation record', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    const layout = { ...layoutOf(configuration), partitions: { messages: 16, timeline: 16, inbox: 3 } };
    const brokers = configuration.cluster!.kafka;
    await createTopics({ brokers, layout, logger: silentLogger, runtime, profile: DEVELOPMENT_TOPICS });
    assert.match(await refusalOf(configuration), /inbox\.g1: partitions is 3, wanted is 16\. Mend the topics/);
    await removeTopics(configuration);
  });

  it('is refused when the keyspace is derived from other topics, before any topic is made', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    await createCluster(configuration, parts);
    const cluster = { ...configuration.cluster!, prefix: 'other.' };
    const refusal = await refusalOf({ ...configuration, cluster });
    assert.match(
      refusal,
      /derived from topics with the prefix t.*, and FANLOG_PREFIX asks for topics with the prefix other\./,
    );
    const topics = await withAdmin({ brokers: cluster.kafka, logger: silentLogger }, (admin) => admin.listTopics());
    assert.ok(!topics.some((topic) => topic.startsWith('other.')));
    await removeTopics(configuration);
  });

  it('is refused when the topics belong to another keyspace', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    await createCluster(configuration, parts);
    const { keyspace, ...rest } = configuration.cluster!;
    const cluster = { ...rest, keyspace: `${keyspace}_2` };
    assert.match(
      await refusalOf({ ...configuration, cluster }),
      new RegExp(`belong to keyspace ${keyspace}, and FANLOG_KEYSPACE`),
    );
    await removeTopics(configuration);
  });

  it('is refused in production on a single copy', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    await createCluster(configuration, parts);
    const refusal = await refusalOf({ ...configuration, environment: 'production', demo: false });
    assert.match(refusal, /messages\.g1: replication factor is 1, wanted is at least 3; /);
    assert.match(refusal, /min\.insync\.replicas is 1, wanted is at least 2/);
    await removeTopics(configuration);
  });

  it('is refused on topics that have lost what was processed', TEST_LIMITS, async () => {
    const configuration = await configurationOfOwn();
    await createCluster(configuration, parts);
    const store = await storeOf(configuration);
    await store.saveCheckpoint('inbox', 7, { offset: 40, foldVersion: 1, sources: {} });
    await store.close();
    assert.match(
      await refusalOf(configuration),
      /inbox\/7 ends at 0, and 40 were processed\. .* do not belong together/,
    );
    await removeTopics(configuration);
  });
});
