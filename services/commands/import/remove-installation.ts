// Takes what this run made on servers that go on running away again: topics and groups, the keyspaces of its tables, keys.
import cassandra from '@scylladb/cassandra-driver';
import { CLUSTER_LAYOUT, CONSUMER_GROUPS } from '../../events/topics.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { withAdmin } from '../../ports/log/kafka/topic-admin.ts';
import { wantedTopics } from '../../ports/log/kafka/topic-settings.ts';
import { connectRedis } from '../../ports/sessions/redis/redis-connection.ts';
import { setOfKeyspace } from '../../ports/store/cassandra/schema.ts';

/** Servers as `host:port`, several separated by commas. */
export interface Installation {
  readonly kafka: string;
  readonly cassandra: string;
  readonly dataCenter: string;
  readonly redis: string;
  readonly keyspace: string;
  readonly prefix: string;
}

const SCAN_KEYS = 500;
/** To drop a keyspace Cassandra takes a snapshot of it. */
const DROP_MS_MAX = 60_000;

/** When no process uses it any more. Rejects when a server refuses; the others were asked all the same. */
export async function removeInstallation(installation: Installation): Promise<void> {
  const results = await Promise.allSettled([
    removeTopics(installation),
    removeKeyspace(installation),
    removeKeys(installation),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function removeTopics({ kafka, prefix }: Installation): Promise<void> {
  const topics = wantedTopics({ ...CLUSTER_LAYOUT, prefix }).map(({ name }) => name);
  await withAdmin({ brokers: kafka.split(','), logger: silentLogger }, async (admin) => {
    const { groups } = await admin.listGroups();
    const read = Object.values(CONSUMER_GROUPS).flatMap((group) => topics.map((topic) => `${group}.${topic}`));
    const ours = groups.map(({ groupId }) => groupId).filter((group) => read.includes(group));
    if (ours.length > 0) await admin.deleteGroups(ours);
    const there = await admin.listTopics();
    await admin.deleteTopics({ topics: topics.filter((topic) => there.includes(topic)) });
  });
}

async function removeKeyspace({ cassandra: nodes, dataCenter, keyspace }: Installation): Promise<void> {
  const client = new cassandra.Client({
    contactPoints: nodes.split(','),
    localDataCenter: dataCenter,
    socketOptions: { readTimeout: DROP_MS_MAX },
  });
  try {
    const { rows } = await client.execute('SELECT keyspace_name FROM system_schema.keyspaces');
    const sets = rows
      .map((row) => row.keyspace_name as string)
      .filter((name) => setOfKeyspace(keyspace, name) !== null);
    for (const name of sets) await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
  } finally {
    await client.shutdown();
  }
}

async function removeKeys({ redis: endpoint, prefix }: Installation): Promise<void> {
  const redis = await connectRedis(endpoint);
  try {
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `fanlog:${prefix}*`, 'COUNT', SCAN_KEYS);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    } while (cursor !== '0');
  } finally {
    redis.disconnect();
  }
}
