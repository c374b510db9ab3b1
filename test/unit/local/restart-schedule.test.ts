import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTHY_MS, RestartSchedule } from '../../../infra/local/cluster/restart-schedule.ts';

test('the first restart is at once, then the pause doubles from a quarter of a second to ten', () => {
  const schedule = new RestartSchedule();
  const pauses_ms = Array.from({ length: 9 }, () => schedule.next(0));
  assert.deepEqual(pauses_ms, [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('it does not give up, nor overflow, however often it is asked', () => {
  const schedule = new RestartSchedule();
  for (let ends = 0; ends < 5_000; ends++) schedule.next(0);
  assert.equal(schedule.next(0), 10_000);
});

test('a process that was up for a minute is restarted at once again', () => {
  const schedule = new RestartSchedule();
  for (let ends = 0; ends < 5; ends++) schedule.next(0);
  assert.equal(schedule.next(HEALTHY_MS - 1), 4_000);
  assert.equal(schedule.next(HEALTHY_MS), 0);
  assert.equal(schedule.next(0), 250);
});
