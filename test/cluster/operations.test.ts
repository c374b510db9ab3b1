// What operators see of a cluster, one process a role, on real Kafka, Cassandra and Redis: red until messages would come
// through, then green; and how the groups of Kafka are.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { CLUSTER_LAYOUT } from '../../services/events/topics.ts';
import { loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { Metrics } from '../../services/kernel/metrics.ts';
import { sleep } from '../../services/kernel/runtime.ts';
import { systemRuntime as runtime } from '../../services/kernel/system-runtime.ts';
import type { ReadinessReport } from '../../services/operations/index.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { wantedTopics } from '../../services/ports/log/kafka/topic-settings.ts';
import type { Role } from '../../services/profiles/roles.ts';
import { createCluster, type Server, startServer } from '../../services/profiles/start-server.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { serversOfThisRun } from './servers.ts';

const { kafka, cassandra, redis } = await serversOfThisRun();
const own = `t${randomBytes(6).toString('hex')}`;
const loaded = loadConfiguration({
  PORT: '0',
  FANLOG_KAFKA: kafka,
  FANLOG_CASSANDRA: cassandra,
  FANLOG_REDIS: redis,
  FANLOG_KEYSPACE: own,
  FANLOG_PREFIX: `${own}.`,
  FANLOG_SECRET: randomBytes(48).toString('base64'),
  FANLOG_EDGE_URLS: 'ws://localhost:1',
});
if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
const { configuration } = loaded;
await createCluster(configuration, { runtime, logger: silentLogger, metrics: new Metrics() });

const servers: Server[] = [];
after(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  const topics = wantedTopics({ ...CLUSTER_LAYOUT, prefix: `${own}.` }).map(({ name }) => name);
  await withAdmin({ brokers: [kafka], logger: silentLogger }, (admin) => admin.deleteTopics({ topics }));
});

async function start(role: Role): Promise<Server> {
  const server = await startServer(configuration, { roles: new Set([role]), logger: silentLogger });
  servers.push(server);
  return server;
}

async function readinessOf({ operationsUrl }: Server): Promise<ReadinessReport> {
  return (await (await fetch(`${operationsUrl}/readyz`)).json()) as ReadinessReport;
}

async function metricsOf({ operationsUrl }: Server): Promise<string> {
  return (await fetch(`${operationsUrl}/metrics`)).text();
}

describe('the operations ports of a cluster', () => {
  it('are red in every role while one role is missing, and green when it came', TEST_LIMITS, async () => {
    const present = [await start('edge'), await start('api'), await start('fanout')];
    const [, , fanout] = present;
    // Time enough for the fanout to have its partitions, and for all to have probed.
    while (!/^fanlog_owned_partitions\{role="fanout"\} 16$/m.test(await metricsOf(fanout!))) await sleep(runtime, 100);
    await sleep(runtime, 2_000);
    for (const server of present) {
      const { status, roles } = await readinessOf(server);
      assert.equal(status, 'not_ready');
      assert.deepEqual(Object.values(roles), [{ ready: false, why: 'no canary came back yet' }]);
    }
    await start('inbox');
    await Promise.all(servers.map((server) => server.whenReady(60_000)));
    for (const server of servers) assert.equal((await readinessOf(server)).status, 'ready');
  });

  it('show the partitions of the stages, and that they are members of their groups', TEST_LIMITS, async () => {
    const [, , fanout, inbox] = servers;
    for (const [role, topic, server] of [
      ['fanout', 'messages', fanout!],
      ['inbox', 'inbox', inbox!],
    ] as const) {
      const text = await metricsOf(server);
      const has = (sample: RegExp) => assert.match(text, sample);
      has(new RegExp(`^fanlog_process_info\\{roles="${role}"\\} 1$`, 'm'));
      has(/^fanlog_log_subscriptions 1$/m);
      has(/^fanlog_log_memberships 1$/m);
      has(/^fanlog_log_neglected_partitions 0$/m);
      has(new RegExp(`^fanlog_lag_age_seconds\\{role="${role}"\\} 0(\\.\\d+)?$`, 'm'));
      for (let partition = 0; partition < 16; partition++) {
        const labels = `\\{role="${role}",topic="${topic}",partition="${partition}"\\}`;
        has(new RegExp(`^fanlog_lag_records${labels} \\d+$`, 'm'));
        has(new RegExp(`^fanlog_canary_age_seconds${labels} [12]?\\d(\\.\\d+)?$`, 'm'));
      }
    }
  });

  it('of a stage that gave its partitions back show none', TEST_LIMITS, async () => {
    const [, , fanout] = servers;
    const second = await start('fanout');
    while (!/^fanlog_owned_partitions\{role="fanout"\} 8$/m.test(await metricsOf(second))) await sleep(runtime, 100);
    while (!/^fanlog_owned_partitions\{role="fanout"\} 8$/m.test(await metricsOf(fanout!))) await sleep(runtime, 100);
    const partitions = async (server: Server) => (await metricsOf(server)).match(/^fanlog_lag_records\{.*$/gm)?.length;
    // The ends of those just taken may still be asked for.
    while ((await partitions(second)) !== 8) await sleep(runtime, 100);
    assert.equal(await partitions(fanout!), 8);
  });
});
