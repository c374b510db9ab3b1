import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadArguments, readArguments, USAGE } from '../../faults/arguments.ts';
import { SCENARIOS } from '../../faults/scenarios/index.ts';

test('wrong arguments are refused', () => {
  for (const args of [
    ...[['--colour'], ['seven'], ['--scenario'], ['--scenario', 'no-such-one'], ['--minutes', 'x'], ['--minutes', '0']],
    ...[
      ['--minutes', '1000'],
      ['--seed', '1.5'],
      ['--seed', '-1'],
      ['--rate', '0'],
      ['--clients', '3'],
      ['--rate', ''],
    ],
  ])
    assert.throws(() => readArguments(args), BadArguments, args.join(' '));
});

test('without arguments it is everything, for a minute each', () => {
  const { scenarios, minutes, seed, out } = readArguments([])!;
  assert.equal(scenarios.length, SCENARIOS.length);
  assert.deepEqual([minutes, seed, out], [1, 1, null]);
});

test('scenarios are chosen by name', () => {
  const { scenarios } = readArguments(['--scenario', 'redis', '--scenario', 'edges', '--minutes', '0.25'])!;
  assert.deepEqual(
    scenarios.map(({ name }) => name),
    ['redis', 'edges'],
  );
});

test('--help is the usage, with every scenario in it', () => {
  assert.equal(readArguments(['--help']), null);
  for (const { name } of SCENARIOS) assert.ok(USAGE.includes(name), name);
});

test('no two scenarios have one name, and each says what it does', () => {
  assert.equal(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const { title } of SCENARIOS) assert.ok(title.length > 10);
});
