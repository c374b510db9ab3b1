// The ports of the cluster profile: the log on Kafka, the state in Cassandra or Scylla, sessions and deliveries in Redis.
//
//   Cassandra: schema ─▶ generation record ─▶ Kafka: topics made, then held to it ─▶ checkpoints within the log ─▶ Redis
//
// A server that is away at the start is waited for, because whole machines are started in any order; but not for ever,
// because an address may be wrong.
import { CLUSTER_LAYOUT, type TopicLayout } from '../events/topics.ts';
import type { ClusterSettings, Configuration } from '../kernel/configuration.ts';
import { sleep } from '../kernel/runtime.ts';
import { withoutPassword } from '../kernel/without-password.ts';
import { RedisDeliveryStream } from '../ports/delivery/redis/redis-delivery-stream.ts';
import { checkTopics, TopicSettingsError } from '../ports/log/kafka/check-topics.ts';
import { createTopics } from '../ports/log/kafka/create-topics.ts';
import { KafkaEventLog } from '../ports/log/kafka/kafka-event-log.ts';
import { DEVELOPMENT_TOPICS, PRODUCTION_TOPICS } from '../ports/log/kafka/topic-settings.ts';
import { RedisSessionRegistry } from '../ports/sessions/redis/redis-session-registry.ts';
import { CassandraStateStore } from '../ports/store/cassandra/cassandra-state-store.ts';
import { checkLogEnds } from './check-log-ends.ts';
import type { Closing } from './closing.ts';
import { firstEpoch } from './first-epoch.ts';
import { watchGeneration } from './generation-watch.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import { StartError } from './start-error.ts';

const CONNECT_MS_MAX = 60_000;
const CONNECT_PAUSE_MS = 1_000;
/** As for topics: any one node may be lost. */
const REPLICAS_IN_PRODUCTION = 3;

export interface ClusterOptions {
  /** Shown in Kafka's own logs and quotas. */
  readonly clientId: string;
  /** Another generation or epoch is in force: what this process knows of the topics is no longer true. */
  readonly onStale: (why: string) => void;
}

/** What was opened before a step failed is in `closing`. @throws StartError */
export async function openCluster(
  configuration: Configuration,
  cluster: ClusterSettings,
  parts: ProcessParts,
  options: ClusterOptions,
  closing: Closing,
): Promise<OpenedPorts> {
  const { runtime, logger, metrics } = parts;
  const production = configuration.environment === 'production';
  const settings = {
    contactPoints: cluster.cassandra,
    dataCenter: cluster.dataCenter,
    keyspace: cluster.keyspace,
    replication: { class: 'NetworkTopologyStrategy', [cluster.dataCenter]: production ? REPLICAS_IN_PRODUCTION : 1 },
  };
  const cassandra = `Cassandra (FANLOG_CASSANDRA: ${cluster.cassandra.join(', ')})`;
  const store = await reach(parts, cassandra, () => CassandraStateStore.open(settings));
  closing.add(() => store.close());
  const wanted = { ...CLUSTER_LAYOUT, epoch: firstEpoch(runtime), prefix: cluster.prefix };
  const generation = await reach(parts, cassandra, () => store.createGeneration(wanted));
  refuseOtherPrefix(cluster, generation.prefix ?? '');
  closing.add(watchGeneration({ store, known: generation, runtime, logger, onStale: options.onStale }));

  const { prefix, kafka: brokers } = cluster;
  const layout: TopicLayout = { generation: generation.generation, prefix, partitions: generation.partitions };
  const kafka = `Kafka (FANLOG_KAFKA: ${brokers.join(', ')})`;
  await reach(parts, kafka, async () => {
    const profile = production ? PRODUCTION_TOPICS : DEVELOPMENT_TOPICS;
    const created = await createTopics({ brokers, layout, logger, runtime, profile });
    if (created.length > 0) logger.info('topics were created', { topics: created.join(', ') });
    await checkTopics({ brokers, layout, logger, production });
  });
  const log = new KafkaEventLog({ brokers, layout, runtime, logger, metrics, clientId: options.clientId });
  closing.add(() => log.close());
  const advice = 'These topics and this keyspace do not belong together: restore both, or name new ones.';
  await reach(parts, kafka, () => checkLogEnds(log, store, advice));

  const endpoint = cluster.redis;
  const keys = { endpoint, prefix: `fanlog:${prefix}` };
  const redis = `Redis (FANLOG_REDIS: ${withoutPassword(endpoint)})`;
  const inboxPartitions = layout.partitions.inbox;
  const registry = await reach(parts, redis, () => RedisSessionRegistry.open({ ...keys, inboxPartitions }, runtime));
  closing.add(() => registry.close());
  refuseOtherKeyspace(cluster, await reach(parts, redis, () => registry.claim(cluster.keyspace)));
  const delivery = await reach(parts, redis, () => RedisDeliveryStream.open(keys, runtime));
  closing.add(() => delivery.close());
  return { log, store, registry, delivery, epoch: generation.epoch, secret: configuration.secret! };
}

// A keyspace derived from other topics would skip, repeat and overwrite; the check of the log's ends finds only some of it.
function refuseOtherPrefix({ keyspace, prefix }: ClusterSettings, found: string): void {
  if (found === prefix) return;
  const named = (text: string) => (text === '' ? 'topics without a prefix' : `topics with the prefix ${text}`);
  throw new StartError(
    `Keyspace ${keyspace} holds what was derived from ${named(found)}, and FANLOG_PREFIX asks for ${named(prefix)}. ` +
      'Set the FANLOG_KEYSPACE that belongs to it: every installation needs both of its own.',
  );
}

function refuseOtherKeyspace({ keyspace, prefix, redis }: ClusterSettings, found: string): void {
  if (found === keyspace) return;
  throw new StartError(
    `Sessions with the prefix ${JSON.stringify(prefix)} in Redis belong to keyspace ${found}, and FANLOG_KEYSPACE is ${keyspace}. ` +
      `Set another FANLOG_PREFIX, or, if ${found} is gone, delete the key fanlog:${prefix}sessions:installation at ${withoutPassword(redis)}.`,
  );
}

/** `connect`, again and again until it succeeds. @throws StartError after a minute, or at once when it can never succeed */
async function reach<T>({ runtime, logger }: ProcessParts, server: string, connect: () => Promise<T>): Promise<T> {
  const deadline = runtime.monotonic() + CONNECT_MS_MAX;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof StartError) throw error;
      if (error instanceof TopicSettingsError)
        throw new StartError(`${server}: ${reason} Mend the topics, or name new ones (FANLOG_PREFIX).`);
      if (runtime.monotonic() > deadline)
        throw new StartError(
          `${server} cannot be used: ${reason.replace(/[.\s]*$/, '')}. Start it, or mend the setting.`,
        );
      logger.warn('waiting for a server', { server, error: reason });
      await sleep(runtime, CONNECT_PAUSE_MS);
    }
  }
}
