import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { OwnedPartitions } from '../../../services/ports/log/owned-partitions.ts';
import { supervisePartition } from '../../../services/ports/log/partition-supervisor.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';
import { ScriptedAssignment } from './scripted-assignment.ts';

/** Pauses between runs that fail after `runs_ms` each; the clock is moved by hand. */
async function pausesAfter(runs_ms: readonly number[]): Promise<number[]> {
  const runtime = new ManualRuntime();
  const pauses: number[] = [];
  const options = {
    runtime: {
      ...{ now: () => runtime.now(), monotonic: () => runtime.monotonic(), random: () => runtime.random() },
      randomBytes: (size: number) => runtime.randomBytes(size),
      setTimer: (delay_ms: number, callback: () => void) => {
        pauses.push(delay_ms);
        queueMicrotask(callback);
        return { cancel: () => {} };
      },
    },
    ...{ metrics: new Metrics(), logger: silentLogger, owned: new OwnedPartitions(runtime) },
    ...({ aborts: 'fanout_aborts', stopped: 'fanout_stopped' } as const),
  };
  const assignment = new ScriptedAssignment([]);
  const left = [...runs_ms];
  await supervisePartition(options, assignment, async () => {
    const run_ms = left.shift();
    if (run_ms === undefined) return assignment.revoke();
    await runtime.advance(run_ms);
    throw new Error('it failed');
  });
  return pauses;
}

test('a partition that fails again and again is tried less and less often, but every few seconds', async () => {
  assert.deepEqual(await pausesAfter([0, 0, 0, 0, 0, 0, 0]), [200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
});

test('one that ran well for a while starts again soon', async () => {
  assert.deepEqual(await pausesAfter([0, 0, 0, 60_000, 0]), [200, 400, 800, 200, 400]);
});
