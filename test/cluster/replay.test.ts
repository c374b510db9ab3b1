// Rebuilding a cluster's tables while its processes run and people write: the rehearsal, the switch, and what anyone
// noticed of it (the ledger of the load).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import cassandra from '@scylladb/cassandra-driver';
import { keyspaceOfSet } from '../../services/ports/store/cassandra/schema.ts';
import { runReplay } from '../integration/run-replay.ts';
import { ClusterUnderLoad } from './cluster-under-load.ts';
import { waitUntil } from './ledger/index.ts';
import { serversOfThisRun } from './servers.ts';

const SWITCH_MS_MAX = 30_000;

let running: ClusterUnderLoad;
let env: Record<string, string>;
let inForce = 0;

before(async () => {
  running = await ClusterUnderLoad.start({ servers: await serversOfThisRun() });
  const { kafka, cassandra, redis, keyspace, prefix, secret } = running.cluster;
  env = {
    ...{ FANLOG_KAFKA: kafka, FANLOG_CASSANDRA: cassandra, FANLOG_REDIS: redis },
    ...{ FANLOG_KEYSPACE: keyspace, FANLOG_PREFIX: prefix, FANLOG_SECRET: secret },
  };
  await running.steady(3_000);
});

after(() => running?.stop());

async function replayed(...args: string[]) {
  const { code, stdout, stderr } = await runReplay([...args, '--json'], env);
  assert.equal(code, 0, stderr + stdout);
  return JSON.parse(stdout);
}

test('while people write: every row is equal, by either topic; the switch is noticed by nobody', async (t) => {
  const rehearsal = await replayed('--from', 'messages', '--dry-run');
  assert.deepEqual([rehearsal.differences, rehearsal.compared.users.different], [0, 0]);
  assert.equal(rehearsal.compared.users.behind + rehearsal.compared.conversations.behind, 0);
  assert.ok(rehearsal.compared.conversations.equal + rehearsal.compared.conversations.moving >= 10);

  const switchedAt = performance.now();
  const { differences, compared, switched, rows, rebuild_ms, tables } = await replayed('--from', 'inbox');
  inForce = tables;
  assert.deepEqual([differences, compared.users.different, compared.users.behind], [0, 0, 0]);
  assert.equal(compared.users.equal, running.load.cast.users.length);
  assert.equal(switched.epoch, switched.epochBefore);
  t.diagnostic(`${rows.inbox} inbox rows in ${Math.round(rebuild_ms)} ms`);
  await running.steady(5_000);
  t.diagnostic(`slowest message ${Math.round(running.load.latecomers.slowest_ms(switchedAt))} ms`);
  await running.assertCleanLedger();
});

test('the processes go on in the new tables: those of before stay as they were', async () => {
  const { tables, compared } = await replayed('--from', 'inbox', '--dry-run');
  assert.ok(tables > inForce, 'a number is used once');
  const before = compared.rows;
  const { load } = running;
  const sends = load.sends;
  await waitUntil('more messages', () => load.sends > sends + 100, SWITCH_MS_MAX);
  await running.caughtUp(performance.now());
  const again = await replayed('--from', 'inbox', '--dry-run');
  assert.equal(again.differences, 0);
  assert.ok(again.compared.rows > before + 100);
});

test('every table gone while people write: a replay gives all of them back, under the numbers that everyone knows', async (t) => {
  const { cluster, load } = running;
  const client = new cassandra.Client({ contactPoints: [cluster.cassandra], localDataCenter: 'datacenter1' });
  await client.execute(`DROP KEYSPACE ${keyspaceOfSet(cluster.keyspace, inForce)}`);
  await client.shutdown();
  const goneAt = performance.now();
  const { compared, switched } = await replayed('--from', 'inbox');
  assert.deepEqual([compared.users.equal, compared.users.different], [0, 0], 'nothing was there to be equal');
  assert.ok(compared.users.behind > 0);
  assert.equal(switched.epoch, switched.epochBefore);
  await running.caughtUp(performance.now());
  t.diagnostic(`slowest message ${Math.round(load.latecomers.slowest_ms(goneAt))} ms`);
  await running.assertCleanLedger();
});
