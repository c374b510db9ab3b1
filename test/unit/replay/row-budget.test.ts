import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Runtime } from '../../../services/kernel/runtime.ts';
import { RowBudget } from '../../../services/replay/row-budget.ts';

/** Time passes only while somebody waits. */
function waitingRuntime() {
  let now_ms = 0;
  const runtime: Pick<Runtime, 'monotonic' | 'setTimer'> = {
    monotonic: () => now_ms,
    setTimer: (delay_ms, callback) => {
      queueMicrotask(() => {
        now_ms += delay_ms;
        callback();
      });
      return { cancel: () => {} };
    },
  };
  const pass = (ms: number) => {
    now_ms += ms;
  };
  return { runtime: runtime as Runtime, now_ms: () => now_ms, pass };
}

const { signal } = new AbortController();

test('rows take the time that they may, and a pause is made up for by a second of them at most', async () => {
  const { runtime, now_ms, pass } = waitingRuntime();
  const budget = new RowBudget(runtime, 1_000);
  for (let i = 0; i < 10; i++) await budget.spend(500, signal);
  assert.equal(now_ms(), 5_000);
  pass(60_000);
  await budget.spend(3_000, signal);
  assert.equal(now_ms(), 67_000);
});

test('without a limit nothing waits', async () => {
  const { runtime, now_ms } = waitingRuntime();
  await new RowBudget(runtime, Number.POSITIVE_INFINITY).spend(1_000_000, signal);
  assert.equal(now_ms(), 0);
});
