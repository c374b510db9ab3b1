import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, silentLogger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { PartitionStoppedError } from '../../../services/ports/log/contiguous-reader.ts';
import { OwnedPartitions } from '../../../services/ports/log/owned-partitions.ts';
import { supervisePartition } from '../../../services/ports/log/partition-supervisor.ts';
import { TablesReplacedError } from '../../../services/ports/store/live-tables.ts';
import { type StateStore, StoreError } from '../../../services/ports/store/state-store.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';
import { ScriptedAssignment } from './scripted-assignment.ts';

/** Sets of tables that a test puts in force. */
function someTables() {
  const made = (number: number) => ({ store: {} as StateStore, epoch: 1, number, controller: new AbortController() });
  let now = made(0);
  return {
    tables: { current: () => ({ ...now, replaced: now.controller.signal }), onSwitch: () => () => {} },
    replace: () => {
      const before = now;
      now = made(before.number + 1);
      before.controller.abort();
    },
  };
}

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
    ...{
      metrics: new Metrics(),
      logger: silentLogger,
      owned: new OwnedPartitions(runtime),
      tables: someTables().tables,
    },
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

/** Runs one partition, each run with the set that `run` is told. */
async function supervised(
  run: (number: number, replace: () => void, assignment: ScriptedAssignment, counted: Metrics) => Promise<void>,
): Promise<{ readonly numbers: number[]; readonly metrics: Metrics; readonly lines: string[] }> {
  const runtime = new ManualRuntime();
  const metrics = new Metrics();
  const lines: string[] = [];
  const logger = createLogger(
    'info',
    () => 0,
    (line) => lines.push((JSON.parse(line) as { level: string }).level),
  );
  const { tables, replace } = someTables();
  const assignment = new ScriptedAssignment([]);
  const numbers: number[] = [];
  const counters = { aborts: 'fanout_aborts', stopped: 'fanout_stopped' } as const;
  const options = { runtime, metrics, logger, owned: new OwnedPartitions(runtime), tables, ...counters };
  await supervisePartition(options, assignment, (_, { number }) => {
    numbers.push(number);
    return run(number, replace, assignment, metrics);
  });
  return { numbers, metrics, lines };
}

test('a run whose tables were replaced is followed at once by one on the tables in force', async () => {
  const { numbers, metrics, lines } = await supervised(async (number, replace, assignment) => {
    if (number === 3) return assignment.revoke();
    replace();
    // Whatever it says: a write to tables that were removed meanwhile fails in its own way.
    throw number === 0 ? new TablesReplacedError() : new StoreError('the keyspace is gone');
  });
  assert.deepEqual(numbers, [0, 1, 2, 3]);
  assert.equal(metrics.get('fanout_aborts'), 0);
  assert.deepEqual(lines, ['info', 'info', 'info']);
});

test('a stopped partition stays stopped until other tables are in force', async () => {
  let stoppedMeanwhile = 0;
  const { numbers, metrics } = await supervised(async (number, replace, assignment, counted) => {
    if (number === 1) return assignment.revoke();
    setImmediate(() => {
      stoppedMeanwhile = counted.get('fanout_stopped');
      replace();
    });
    throw new PartitionStoppedError('damage');
  });
  assert.deepEqual(numbers, [0, 1]);
  assert.equal(stoppedMeanwhile, 1);
  assert.equal(metrics.get('fanout_stopped'), 0);
});
