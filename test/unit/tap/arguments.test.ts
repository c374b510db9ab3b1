import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments, type TapArguments } from '../../../services/commands/tap/arguments.ts';

const needed = ['--to', 'parquet', '--out', 'folder'];

function read(...args: string[]): TapArguments {
  const options = readArguments([...needed, ...args]);
  assert.notEqual(options, 'help');
  return options as TapArguments;
}

test('without more than format and folder it begins with the oldest event and ends with the newest', () => {
  const { from, follow, profile, roll_bytes, roll_ms } = read();
  assert.deepEqual(from, { type: 'earliest' });
  assert.deepEqual([follow, profile, roll_bytes, roll_ms], [false, null, 128 * 1024 * 1024, 60_000]);
});

test('a start is a time with its zone, or an offset by partition', () => {
  const time_ms = Date.UTC(2026, 10, 21, 14);
  assert.deepEqual(read('--from', '2026-11-21').from, { type: 'time', time_ms: Date.UTC(2026, 10, 21) });
  assert.deepEqual(read('--from', '2026-11-21T14:00:00Z').from, { type: 'time', time_ms });
  assert.deepEqual(read('--from', '2026-11-21T15:00+01:00').from, { type: 'time', time_ms });
  const offsets = new Map([
    [0, 1200],
    [3, 0],
  ]);
  assert.deepEqual(read('--from', '0:1200,3:0').from, { type: 'offsets', offsets });
  for (const wrong of [
    'yesterday',
    '2026-11-21T14:00:00',
    '2026-13-01',
    '0',
    '0:1,',
    '0:1,0:2',
    '-1:5',
    '1732197600',
  ]) {
    assert.throws(() => read(`--from=${wrong}`), /--from/, wrong);
  }
});

test('what is missing, unknown or out of bounds is told by its name', () => {
  const cases: [string[], RegExp][] = [
    [[], /--to parquet or --to avro/],
    [['--to', 'csv', '--out', 'x'], /--to csv: there are parquet and avro/],
    [['--to', 'avro'], /--out DIR/],
    [['--to', 'avro', '--out', ''], /--out DIR/],
    [[...needed, 'stranger'], /stranger belongs to no option/],
    [[...needed, '--nothing'], /Unknown option '--nothing'/],
    [[...needed, '--profile', 'both'], /--profile both: there are embedded and cluster/],
    [[...needed, '--roll-mib', '0'], /--roll-mib 0: give a whole number from 1 to 4096/],
    [[...needed, '--roll-seconds', '1.5'], /--roll-seconds 1\.5: give a whole number/],
  ];
  for (const [args, pattern] of cases) assert.throws(() => readArguments(args), pattern);
  assert.equal(readArguments(['--help']), 'help');
});
