import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuMeter } from '../../../services/commands/import/cpu-meter.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

test('CPU counts from the beginning, by name, over restarts; of what nobody tells there is none', async () => {
  const runtime = new ManualRuntime();
  const used_s = new Map([
    [1, 10],
    [2, 5],
  ]);
  let inbox: number | null = 2;
  const meter = new CpuMeter(
    () => [
      { name: 'fanout-1', part: 'fanout', pid: 1 },
      { name: 'inbox-1', part: 'inbox', pid: inbox },
      { name: 'kafka', part: 'kafka', pid: null },
    ],
    runtime,
    (pid) => used_s.get(pid) ?? null,
  );
  used_s.set(1, 11.5).set(2, 7);
  await runtime.advance(1_000);
  used_s.delete(2);
  inbox = null;
  await runtime.advance(1_000);
  inbox = 3;
  used_s.set(3, 0.25);
  meter.read();
  assert.deepEqual(meter.seconds(), { 'fanout-1': 1.5, 'inbox-1': 2.25, kafka: null });
  meter.stop();
  assert.equal(runtime.timers, 0);
});

test('the busiest process of a part is one that runs', () => {
  const runtime = new ManualRuntime();
  let used_s = 0;
  let second: number | null = 2;
  const meter = new CpuMeter(
    () => [
      { name: 'edge-1', part: 'edge', pid: 1 },
      { name: 'edge-2', part: 'edge', pid: second },
    ],
    runtime,
    (pid) => pid * used_s,
  );
  used_s = 1;
  assert.equal(meter.busiest('edge'), 'edge-2');
  second = null;
  assert.equal(meter.busiest('edge'), 'edge-1');
  assert.equal(meter.busiest('api'), null);
  meter.stop();
});
