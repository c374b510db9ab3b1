// What people notice when Kafka, Cassandra or Redis is away, and that they have lost nothing when it is back. Kafka and
// Redis are of our own, Cassandra is behind a proxy of ours.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type LocalServer, startServer } from '../../infra/local/servers.ts';
import { ClusterUnderLoad } from './cluster-under-load.ts';
import { WANDERER, waitUntil } from './ledger/index.ts';
import { serverOfThisRun } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** What was on its way to a client when the server went. */
const UNDER_WAY_MS = 1_000;
/** Longer than an append may take (5 s): by then everyone has been told. */
const HANGS_MS = 8_000;
const AWAY_MS = 5_000;
/** A hello and a pull that were not answered, each for as long as the store is waited for. */
const TOLD_MS_MAX = 30_000;
const PUSHED_MS_MAX = 30_000;

let folder: string;
let kafka: LocalServer;
let redis: LocalServer;
let cassandra: TcpProxy;
let running: ClusterUnderLoad;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fanlog-servers-away-'));
  const { PATH, HOME, JAVA_HOME, FANLOG_CACHE } = process.env;
  // A data folder, so that they are new ones.
  const own = { env: { PATH, HOME, JAVA_HOME, FANLOG_CACHE, FANLOG_SHORT_LIVED_SERVERS: '1' }, dataFolder: folder };
  [kafka, redis] = await Promise.all([startServer('kafka', own), startServer('redis', own)]);
  const direct = { kafka: kafka.address, cassandra: await serverOfThisRun('cassandra'), redis: redis.address };
  cassandra = await TcpProxy.to(direct.cassandra);
  const servers = { ...direct, cassandra: `127.0.0.1:${cassandra.port}` };
  running = await ClusterUnderLoad.start({ servers, direct, roles: { edge: 1 } });
});

after(async () => {
  await running?.stop();
  await Promise.all([kafka?.stop(), redis?.stop(), cassandra?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const seconds = (duration_ms: number) => `${(duration_ms / 1_000).toFixed(1)} s`;

describe('while Kafka is away', () => {
  test('hanging: sends are refused for now, none is acknowledged, and all arrive when it is back', async (t) => {
    const from = performance.now();
    process.kill(kafka.pid!, 'SIGSTOP');
    await sleep(HANGS_MS).finally(() => process.kill(kafka.pid!, 'SIGCONT'));
    const back = performance.now();
    assertNothingAccepted(from, back);
    await assertGoesOn(t, from, back);
  });

  test('killed: the same', async (t) => {
    const from = performance.now();
    process.kill(kafka.pid!, 'SIGKILL');
    await kafka.exited!();
    await sleep(AWAY_MS);
    assertNothingAccepted(from, performance.now());
    await kafka.restart!();
    await assertGoesOn(t, from, performance.now());
  });

  function assertNothingAccepted(from: number, until: number): void {
    const { acceptedAt_ms } = running.load.observations;
    assert.deepEqual(
      acceptedAt_ms.filter((at) => at > from + UNDER_WAY_MS && at < until),
      [],
    );
    const sends = refusalsOf('send', from);
    assert.ok(sends.length > 0, 'nobody was told');
    for (const { code } of sends) assert.match(code, /^(log_unavailable|out_of_turn|overloaded)$/);
  }
});

describe('while Cassandra is away', () => {
  for (const mode of ['refuse', 'hold'] as const) {
    const how = mode === 'refuse' ? 'refusing connections' : 'hanging';
    test(`${how}: sends are accepted, pulls are to be tried again, and all arrive when it is back`, async (t) => {
      const { load } = running;
      const from = performance.now();
      await cassandra.become(mode);
      const newcomer = load.newDevice('bea', `bea-new-${mode}`);
      try {
        await newcomer.goOnline();
        await sleep(HANGS_MS);
        await waitUntil('a pull is refused', () => refusalsOf('pull', from).length > 0, TOLD_MS_MAX);
        const pulls = refusalsOf('pull', from).map(({ code }) => code);
        assert.deepEqual([...new Set(pulls)], ['store_unavailable']);
        const accepted = load.observations.acceptedAt_ms.filter((at) => at > from + UNDER_WAY_MS);
        assert.ok(accepted.length > 0, 'no send was accepted');
        t.diagnostic(`${accepted.length} sends accepted, ${pulls.length} pulls refused for now`);
      } finally {
        await cassandra.become('pass');
        newcomer.goOffline();
      }
      await assertGoesOn(t, from, performance.now());
    });
  }
});

describe('Redis', () => {
  test('away and started again, empty: nothing is lost, and pushes are back within 30 s', async (t) => {
    const from = performance.now();
    process.kill(redis.pid!, 'SIGKILL');
    await redis.exited!();
    await sleep(AWAY_MS);
    await redis.restart!();
    await assertPushes(t, performance.now());
    await assertGoesOn(t, from, performance.now());
  });

  test('flushed: the same', async (t) => {
    const from = performance.now();
    const client = new Redis(`redis://${redis.address}`);
    await client.flushall();
    client.disconnect();
    await assertPushes(t, from);
    await assertGoesOn(t, from, performance.now());
  });

  /** Every device that stays gets a push of something newer than what it had. */
  async function assertPushes(t: TestContext, from: number): Promise<void> {
    const { devices, observations } = running.load;
    const waiting = () =>
      devices.filter(({ name }) => name !== WANDERER && (observations.lastPush.get(name)?.at_ms ?? 0) < from);
    const names = () => waiting().map(({ name }) => name);
    await waitUntil(
      () => `pushes to ${names()}`,
      () => waiting().length === 0,
      PUSHED_MS_MAX,
    );
    t.diagnostic(`pushes to everyone again after ${seconds(performance.now() - from)}`);
  }
});

function refusalsOf(what: 'send' | 'pull', from: number) {
  return running.load.observations.refusals.filter((refused) => refused.what === what && refused.at_ms > from);
}

/** By itself: no process was started again, everything arrives, and the ledger is clean. */
async function assertGoesOn(t: TestContext, from: number, back: number): Promise<void> {
  const { cluster, load } = running;
  const caughtUp_ms = await running.caughtUp(back);
  const codes = refusalsOf('send', from).map(({ code }) => code);
  const refused = [...new Set(codes)].map((code) => `${codes.filter((other) => other === code).length} ${code}`);
  t.diagnostic(
    `caught up ${seconds(caughtUp_ms)} after it was back, slowest message ${seconds(load.latecomers.slowest_ms(from))}; ` +
      `sends refused for now: ${refused.join(', ') || 'none'}`,
  );
  const { violations: _, ...ledger } = await running.assertCleanLedger();
  t.diagnostic(JSON.stringify(ledger));
  for (const { name, restarts } of cluster.processes()) assert.equal(restarts, 0, `${name} crashed`);
}
