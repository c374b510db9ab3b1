// The ground a simulation stands on: order, pauses and crashes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from './kernel/faults.ts';
import { Random } from './kernel/random.ts';
import { Scheduler, WORLD } from './kernel/scheduler.ts';
import { SimProcess } from './kernel/sim-process.ts';
import { Trace } from './kernel/trace.ts';

function setUp(seed = 1) {
  const random = new Random(seed);
  const scheduler = new Scheduler(random, new Trace(false));
  const process = new SimProcess('process', scheduler, new Faults(random));
  return { scheduler, process };
}

test('tasks run by time, and by the order of scheduling at one time', async () => {
  const { scheduler } = setUp();
  const ran: number[] = [];
  for (const [n, delay_ms] of [5, 1, 3, 1, 0].entries()) scheduler.schedule(delay_ms, WORLD, 'task', () => ran.push(n));
  await scheduler.run(10);
  assert.deepEqual(ran, [4, 1, 3, 2, 0]);
  assert.equal(scheduler.now_ms, 10);
});

test('all promise callbacks of a task run before the next task', async () => {
  const { scheduler } = setUp();
  const ran: string[] = [];
  const chain = async () => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
    ran.push('chain');
  };
  scheduler.schedule(1, WORLD, 'first', () => void chain());
  scheduler.schedule(1, WORLD, 'second', () => ran.push('second'));
  await scheduler.run(2);
  assert.deepEqual(ran, ['chain', 'second']);
});

test('a paused process does nothing until it is resumed, then everything in order', async () => {
  const { scheduler, process } = setUp();
  const ran: number[] = [];
  for (const n of [1, 2, 3]) process.later(n, 'task', () => ran.push(n));
  process.pause();
  await scheduler.run(10);
  assert.deepEqual(ran, []);
  process.resume();
  await scheduler.run(11);
  assert.deepEqual(ran, [1, 2, 3]);
});

test('nothing a crashed process awaits ever comes, but what it asked for happens', async () => {
  const { scheduler, process } = setUp();
  let served = false;
  let answered = false;
  void process
    .call('call', (answer) => {
      served = true;
      answer.resolve(1);
    })
    .then(() => {
      answered = true;
    });
  process.crash();
  await scheduler.run(10_000);
  assert.deepEqual([served, answered], [true, false]);
});

test('a doomed process is struck at the call that was drawn', async () => {
  const { scheduler, process } = setUp();
  let calls = 0;
  process.doom(3, 'applied', () => process.crash());
  const work = async () => {
    for (;;) {
      await process.call<void>('call', (answer) => {
        calls++;
        answer.resolve(undefined);
      });
    }
  };
  void work();
  await scheduler.run(60_000);
  assert.equal(calls, 3);
});
