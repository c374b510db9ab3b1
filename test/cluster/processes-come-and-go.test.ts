// Processes are added, killed and ended in order, while people write: partitions move, clients go elsewhere, and nobody
// notices more than a pause.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, type TestContext, test } from 'node:test';
import { ClusterUnderLoad } from './cluster-under-load.ts';
import { WANDERER, waitUntil } from './ledger/index.ts';
import { membersOf, ownersOf, PARTITIONS, untilShared } from './partition-owners.ts';
import { serversOfThisRun } from './servers.ts';

/** A dead member's session, the others' heartbeats, their handlers' time to end; and a machine that is busy. */
const MOVED_MS_MAX = 30_000;
const READY_MS_MAX = 60_000;

let running: ClusterUnderLoad;

before(async () => {
  running = await ClusterUnderLoad.start({ servers: await serversOfThisRun() });
});

after(() => running?.stop());

const seconds = (duration_ms: number) => `${(duration_ms / 1_000).toFixed(1)} s`;

for (const stage of ['fanout', 'inbox'] as const) {
  describe(`partitions of ${stage}`, () => {
    test('one more takes its share; one that is killed loses it to the others, and takes it back', async (t) => {
      const { cluster } = running;
      await untilShared(cluster, stage, 2, MOVED_MS_MAX);
      const added = await measured(t, `${stage} added`, () => cluster.add(stage), 3);
      for (const own of (await ownersOf(cluster, stage)).values()) assert.ok(own.length >= Math.floor(PARTITIONS / 3));
      await measured(t, `${stage} killed`, () => cluster.kill(added, 'SIGKILL'), 3);
      await running.assertCleanLedger();
    });

    test('one that is asked to end leaves in order, and its partitions have new owners at once', async (t) => {
      const [first] = running.processes(stage);
      const leave = async () => {
        await endInOrder(t, first!.name);
        assert.equal(await membersOf(running.cluster, stage), 2, 'Kafka need not wait for its session to end');
      };
      await measured(t, `${stage} ended`, leave, 2);
      await running.assertCleanLedger();
    });

    /** What people noticed of it, and how long it was until `count` processes shared the partitions. */
    async function measured<T>(t: TestContext, what: string, act: () => T | Promise<T>, count: number): Promise<T> {
      const from = performance.now();
      const done = await act();
      await waitUntil(
        'every process is ready',
        () => running.processes(stage).every(({ state }) => state === 'ready'),
        READY_MS_MAX,
      );
      await untilShared(running.cluster, stage, count, MOVED_MS_MAX);
      const shared_ms = performance.now() - from;
      await running.caughtUp(performance.now());
      const slowest_ms = running.load.latecomers.slowest_ms(from);
      t.diagnostic(`${what}: shared after ${seconds(shared_ms)}, slowest message ${seconds(slowest_ms)}`);
      return done;
    }
  });
}

/** The process says itself that it ended well: within its limit, with nothing in its way. */
async function endInOrder(t: TestContext, name: string): Promise<void> {
  const { cluster } = running;
  const { log } = cluster.processes().find((process) => process.name === name)!;
  const from = performance.now();
  const before_bytes = readFileSync(log).length;
  await cluster.stopRole(name);
  const said = readFileSync(log).subarray(before_bytes).toString().trim().split('\n');
  t.diagnostic(`${name} was gone after ${seconds(performance.now() - from)}`);
  const lines = said.map((line) => JSON.parse(line) as { level: string; message: string });
  assert.deepEqual(
    lines.filter(({ level }) => level === 'error'),
    [],
  );
  assert.equal(lines.at(-1)?.message, 'stopped');
}

describe('edges', () => {
  test('of one that is killed, each client makes one connection, to the other edge', async (t) => {
    const { cluster, load } = running;
    const [doomed, other] = running.processes('edge');
    const url = urlOf(doomed!.port);
    const moving = connectedTo(url);
    const from = performance.now();
    cluster.kill(doomed!.name, 'SIGKILL');
    await assertOneReconnect(t, moving, from, urlOf(other!.port));
    await cluster.whenReady();
    t.diagnostic(`slowest message ${seconds(load.latecomers.slowest_ms(from))}`);
    await running.assertCleanLedger();
  });

  test('of one that is drained, too, and it ends in order', async (t) => {
    const { load } = running;
    const [other, doomed] = running.processes('edge');
    const moving = connectedTo(urlOf(doomed!.port));
    const from = performance.now();
    await endInOrder(t, doomed!.name);
    await assertOneReconnect(t, moving, from, urlOf(other!.port));
    t.diagnostic(`slowest message ${seconds(load.latecomers.slowest_ms(from))}`);
    await running.assertCleanLedger();
  });
});

test('an api that is asked to end does so in order, and is started again', async (t) => {
  const { cluster, load } = running;
  const [api] = running.processes('api');
  const from = performance.now();
  const ended = new Promise<string>((resolve) => {
    cluster.onEvent(({ process, what, text }) => {
      if (process === api!.name && what === 'ended') resolve(text);
    });
  });
  cluster.kill(api!.name, 'SIGTERM');
  assert.match(await ended, /^exit 0/);
  t.diagnostic(`${api!.name} was gone after ${seconds(performance.now() - from)}`);
  await running.assertCleanLedger();
  assert.ok(load.sends > 0);
});

function urlOf(port: number | null): string {
  return `ws://localhost:${port}/v1`;
}

/** Devices that are there, but for the one that comes and goes as it likes. */
function connectedTo(url: string): ReadonlySet<string> {
  const { devices, observations } = running.load;
  const last = new Map(observations.attempts.map((attempt) => [attempt.device, attempt.url]));
  const there = devices.filter(({ name, isLive }) => name !== WANDERER && isLive && last.get(name) === url);
  assert.ok(there.length > 0, `nobody is connected to ${url}`);
  return new Set(there.map(({ name }) => name));
}

async function assertOneReconnect(t: TestContext, moving: ReadonlySet<string>, from: number, url: string) {
  const { devices, observations } = running.load;
  const moved = devices.filter(({ name }) => moving.has(name));
  const attempts = () => observations.attempts.filter(({ device, at_ms }) => moving.has(device) && at_ms >= from);
  const isOver = () => moved.every(({ isLive }) => isLive) && attempts().length >= moved.length;
  await waitUntil('everyone is live again', isOver, MOVED_MS_MAX);
  await running.caughtUp(performance.now());
  const wanted = moved.map(({ name }) => `${name} to ${url}`);
  const made = attempts().map((attempt) => `${attempt.device} to ${attempt.url}`);
  assert.deepEqual(made.sort(), wanted.sort());
  const last_ms = Math.max(...attempts().map(({ at_ms }) => at_ms)) - from;
  t.diagnostic(`${moved.length} clients, one connection each, the last after ${seconds(last_ms)}`);
}
