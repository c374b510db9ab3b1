// The ports of the cluster profile: the log on Kafka, the state in Cassandra or Scylla, sessions and deliveries in Redis.
//
//   Cassandra: schema ─▶ generation record ─▶ Kafka: topics made, then held to it ─▶ checkpoints within the log ─▶ Redis
//
// A server that is away at the start is waited for, because whole machines are started in any order; but not for ever,
// because an address may be wrong.
import { CLUSTER_LAYOUT, type TopicLayout } from '../events/topics.ts';
import type { ClusterSettings, Configuration } from '../kernel/configuration.ts';
import { withoutPassword } from '../kernel/without-password.ts';
import { RedisDeliveryStream } from '../ports/delivery/redis/redis-delivery-stream.ts';
import { checkTopics } from '../ports/log/kafka/check-topics.ts';
import { createTopics } from '../ports/log/kafka/create-topics.ts';
import { KafkaEventLog } from '../ports/log/kafka/kafka-event-log.ts';
import { DEVELOPMENT_TOPICS, PRODUCTION_TOPICS } from '../ports/log/kafka/topic-settings.ts';
import { RedisSessionRegistry } from '../ports/sessions/redis/redis-session-registry.ts';
import { LiveTables } from '../ports/store/live-tables.ts';
import { checkLogEnds } from './check-log-ends.ts';
import type { Closing } from './closing.ts';
import { firstEpoch } from './first-epoch.ts';
import { watchGeneration } from './generation-watch.ts';
import { cassandraName, openCassandra, refuseOtherPrefix } from './open-cassandra.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import { reach } from './reach-server.ts';
import { StartError } from './start-error.ts';

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
  const { store: base, sets } = await openCassandra(configuration, cluster, parts, closing);
  const first = { ...CLUSTER_LAYOUT, tables: 0, epoch: firstEpoch(runtime), prefix: cluster.prefix };
  const generation = await reach(parts, cassandraName(cluster), () => base.createGeneration(first));
  refuseOtherPrefix(cluster, generation);
  const tables = await reach(parts, cassandraName(cluster), () => LiveTables.open(sets, generation, parts));
  closing.add(() => tables.close());
  const { onStale } = options;
  closing.add(watchGeneration({ store: base, tables, known: generation, runtime, logger, onStale }));

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
  await reach(parts, kafka, () => checkLogEnds(log, tables.current().store, advice));

  const endpoint = cluster.redis;
  const keys = { endpoint, prefix: `fanlog:${prefix}` };
  const redis = `Redis (FANLOG_REDIS: ${withoutPassword(endpoint)})`;
  const inboxPartitions = layout.partitions.inbox;
  const registry = await reach(parts, redis, () => RedisSessionRegistry.open({ ...keys, inboxPartitions }, runtime));
  closing.add(() => registry.close());
  refuseOtherKeyspace(cluster, await reach(parts, redis, () => registry.claim(cluster.keyspace)));
  const delivery = await reach(parts, redis, () => RedisDeliveryStream.open(keys, runtime));
  closing.add(() => delivery.close());
  return { log, store: base, tables, registry, delivery, secret: configuration.secret! };
}

function refuseOtherKeyspace({ keyspace, prefix, redis }: ClusterSettings, found: string): void {
  if (found === keyspace) return;
  throw new StartError(
    `Sessions with the prefix ${JSON.stringify(prefix)} in Redis belong to keyspace ${found}, and FANLOG_KEYSPACE is ${keyspace}. ` +
      `Set another FANLOG_PREFIX, or, if ${found} is gone, delete the key fanlog:${prefix}sessions:installation at ${withoutPassword(redis)}.`,
  );
}
