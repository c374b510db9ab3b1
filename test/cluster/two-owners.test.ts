// Partitions with two owners at once: a second set of processors that goes by the same checkpoints. Both write what the
// other writes too; people see everything once, under one number. (Processes that were stopped for longer than Kafka waits
// for them, and go on as if nothing had been: faults.test.ts.)
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Cluster } from '../../infra/local/cluster/index.ts';
import { loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { startServer } from '../../services/profiles/start-server.ts';
import { ClusterUnderLoad } from './cluster-under-load.ts';
import { untilShared } from './partition-owners.ts';
import { serversOfThisRun } from './servers.ts';

/** A minute by hand: FANLOG_TEST_TWO_OWNERS_S=60. */
const TWO_OWNERS_MS = Number(process.env.FANLOG_TEST_TWO_OWNERS_S ?? 8) * 1_000;

const MOVED_MS_MAX = 30_000;

let running: ClusterUnderLoad;

before(async () => {
  running = await ClusterUnderLoad.start({ servers: await serversOfThisRun() });
});

after(() => running?.stop());

const seconds = (duration_ms: number) => `${(duration_ms / 1_000).toFixed(1)} s`;

test('a second set of processors on the same checkpoints changes nothing that anybody sees', async (t) => {
  const second = await startServer(configurationOf(running.cluster), {
    roles: new Set(['fanout', 'inbox'] as const),
    groups: { fanout: 'fanlog.fanout.second', inbox: 'fanlog.inbox.second' },
    logger: silentLogger,
  });
  try {
    await second.whenReady();
    for (const stage of ['fanout', 'inbox'] as const) await untilShared(running.cluster, stage, 2, MOVED_MS_MAX);
    const slowest_ms = await running.steady(TWO_OWNERS_MS);
    const { metrics } = second;
    const decided = metrics.get('fanout_commands');
    const skipped = metrics.get('inbox_skipped_sources');
    assert.ok(decided > 0 && metrics.get('inbox_records') > 0, 'the second set was idle');
    t.diagnostic(`it decided ${decided} commands again and dropped ${skipped} repeats; slowest ${seconds(slowest_ms)}`);
  } finally {
    await second.stop();
  }
  const { violations: _, ...ledger } = await running.assertCleanLedger();
  t.diagnostic(JSON.stringify(ledger));
});

/** Of one more process of the cluster, in this one. */
function configurationOf({ kafka, cassandra, redis, keyspace, prefix, secret }: Cluster) {
  const loaded = loadConfiguration({
    ...{ FANLOG_KAFKA: kafka, FANLOG_CASSANDRA: cassandra, FANLOG_REDIS: redis },
    ...{ FANLOG_KEYSPACE: keyspace, FANLOG_PREFIX: prefix, FANLOG_SECRET: secret },
    ...{ PORT: '0', FANLOG_EDGE_PORT: '0', FANLOG_OPERATIONS_PORT: '0', FANLOG_DEMO: 'off' },
  });
  if ('errors' in loaded) throw new Error(loaded.errors.join('; '));
  return loaded.configuration;
}
