// 300 seeds of the whole system, and everything that can go wrong going wrong in them.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { bundleSimulation } from './runner/bundle.ts';
import { runSeeds } from './runner/pool.ts';
import { describeFailure, Summary } from './runner/summary.ts';

const SEEDS = 300;
const SENDS_MIN = 60;
const CHANGES_MIN = 10;

let bundle: string;
before(async () => {
  bundle = await bundleSimulation();
});

test(`${SEEDS} seeds keep every promise, and every fault and every branch fires in them`, async () => {
  const summary = new Summary();
  const small: number[] = [];
  const jobs = Array.from({ length: SEEDS }, (_, i) => ({ seed: i + 1 }));
  await runSeeds(bundle, jobs, (result) => {
    summary.add(result);
    if (result.sends < SENDS_MIN || result.changes < CHANGES_MIN) small.push(result.seed);
    return 'go on';
  });
  assert.equal(summary.failed.length, 0, summary.failed.map(describeFailure).join('\n'));
  assert.deepEqual(summary.silent(), [], summary.table());
  assert.deepEqual(small, []);
});

test('the same seed is the same schedule, whatever ran before it', async () => {
  const seeds = [3, 11, 50];
  const hashes: string[][] = [[], []];
  const runs = [seeds, [...seeds].reverse()];
  for (const [run, order] of runs.entries()) {
    await runSeeds(
      bundle,
      order.map((seed) => ({ seed })),
      ({ seed, hash }) => {
        hashes[run]!.push(`${seed} ${hash}`);
        return 'go on';
      },
      1,
    );
  }
  assert.deepEqual(hashes[0]!.sort(), hashes[1]!.sort());
  assert.equal(new Set(hashes[0]!.map((line) => line.split(' ')[1])).size, seeds.length);
});
