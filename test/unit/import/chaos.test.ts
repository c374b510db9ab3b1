// --chaos: who is killed when, one at a time, and what is told of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chaos } from '../../../services/commands/import/chaos.ts';
import { CpuMeter } from '../../../services/commands/import/cpu-meter.ts';
import { DeliveryWatch } from '../../../services/commands/import/delivery-watch.ts';
import type { ImportTarget } from '../../../services/commands/import/import-target.ts';
import { ManualRuntime, settle } from '../kernel/manual-runtime.ts';

function setUp(steps: number) {
  const runtime = new ManualRuntime();
  const watch = new DeliveryWatch(runtime);
  const killed: string[] = [];
  let ready: (error?: Error) => void = () => {};
  const target: ImportTarget = {
    url: '',
    victims: [
      { part: 'edge', share: 0.2 },
      { part: 'inbox', share: 0.4 },
    ],
    processes: () => [
      { name: 'edge-1', part: 'edge', pid: 1 },
      { name: 'edge-2', part: 'edge', pid: 2 },
      { name: 'inbox-1', part: 'inbox', pid: 3 },
      { name: 'inbox-2', part: 'inbox', pid: null },
    ],
    kill: (name) => {
      killed.push(name);
      return new Promise((resolve, reject) => {
        ready = (error) => (error === undefined ? resolve() : reject(error));
      });
    },
    stop: async () => {},
  };
  let used_s = 0;
  const meter = new CpuMeter(target.processes, runtime, (pid) => used_s * pid);
  used_s = 1;
  const failures: Error[] = [];
  const onFailed = (error: Error) => failures.push(error);
  const chaos = new Chaos({ target, meter, watch, runtime, steps, note: () => {}, onFailed });
  return { runtime, watch, killed, chaos, failures, ready: (error?: Error) => ready(error) };
}

test('the busiest process of each part is killed at its share of the steps, and the steps go on meanwhile', async () => {
  const { chaos, killed, ready, runtime } = setUp(100);
  for (let step = 1; step < 20; step++) assert.equal(chaos.onStep(step), null);
  assert.deepEqual(killed, []);
  assert.equal(chaos.onStep(17), null);
  assert.deepEqual(killed, ['edge-2']);
  for (let step = 21; step < 40; step++) assert.equal(chaos.onStep(step), null);
  await runtime.advance(1_500);
  ready();
  await settle();
  assert.equal(chaos.onStep(40), null);
  assert.deepEqual(killed, ['edge-2', 'inbox-1']);
  await runtime.advance(250);
  ready();
  const { kills, notKilled, held_s } = await chaos.end();
  assert.deepEqual(
    kills.map(({ process, atMessage, ready_s }) => [process, atMessage, ready_s]),
    [
      ['edge-2', 17, 1.5],
      ['inbox-1', 40, 0.25],
    ],
  );
  assert.deepEqual([notKilled, held_s], [[], 0]);
});

test('a kill that is due waits until the one before is over, and all steps with it', async () => {
  const { chaos, killed, ready, runtime, watch } = setUp(5);
  const message = {};
  watch.sent(message);
  chaos.onStep(1);
  const held = [chaos.onStep(2), chaos.onStep(3)];
  let isHeld = true;
  void Promise.all(held).then(() => {
    isHeld = false;
  });
  ready();
  await runtime.advance(4_000);
  assert.ok(isHeld, 'the process is ready, but a message sent before has not come');
  watch.delivered(message);
  await runtime.advance(20);
  assert.ok(!isHeld);
  assert.deepEqual(killed, ['edge-2', 'inbox-1']);
  ready();
  const { kills, held_s } = await chaos.end();
  assert.equal(kills[0]!.delivery_s_max, 4);
  assert.equal(held_s, 4.02);
});

test('what never comes is waited for 30 s, and counts with them', async () => {
  const { chaos, ready, runtime, watch } = setUp(5);
  watch.sent({});
  chaos.onStep(1);
  ready();
  await runtime.advance(30_020);
  ready();
  await settle();
  assert.ok((await chaos.end()).kills[0]!.delivery_s_max >= 30);
});

test('what the import was too short for is named', async () => {
  const { chaos, ready } = setUp(1);
  chaos.onStep(1);
  ready();
  const { kills, notKilled } = await chaos.end();
  assert.equal(kills.length, 1);
  assert.deepEqual(notKilled, ['inbox']);
});

test('a process that does not come back fails the import', async () => {
  const { chaos, ready, failures } = setUp(5);
  chaos.onStep(1);
  ready(new Error('edge-2 was killed and did not come back'));
  await settle();
  assert.match(failures[0]!.message, /did not come back/);
});
