// The checker's own test: every broken rule is caught. Recorded seeds come first; when the code has changed since, the
// schedules have too, and a few more seeds are tried (npm run simulate -- --mutants --record writes them down again).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MUTANTS } from './mutants.ts';
import { applyPatches } from './runner/bundle.ts';
import { catchMutant, recordedSeeds } from './runner/run-mutants.ts';

const TRIES_MAX = 200;
const recorded = recordedSeeds();

for (const mutant of MUTANTS) {
  test(`the mutant ${mutant.name} is caught (${mutant.rule})`, async () => {
    const seeds = recorded[mutant.name] ?? [];
    assert.ok(seeds.length > 0, 'no seed is recorded: npm run simulate -- --mutants --record');
    const { result, tries } = await catchMutant(mutant, seeds, TRIES_MAX);
    assert.ok(result !== null, `${tries} seeds did not catch it`);
  });
}

test('a mutant whose source has changed fails instead of passing for caught', () => {
  const patch = { file: 'some.ts', find: 'a < b', replace: 'a <= b' };
  assert.equal(applyPatches('if (a < b) stop();', [patch]), 'if (a <= b) stop();');
  assert.throws(() => applyPatches('if (b > a) stop();', [patch]), /stands 0 times/);
  assert.throws(() => applyPatches('a < b; a < b', [patch]), /stands 2 times/);
});

test('names of mutants are unique', () => {
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});
