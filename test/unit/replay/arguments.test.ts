import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments, USAGE } from '../../../services/commands/replay/arguments.ts';
import { ReplayError } from '../../../services/replay/replay-error.ts';

test('what a replay is asked for', () => {
  const defaults = { dryRun: false, only: null, rowsPerSecond: Number.POSITIVE_INFINITY, restart: false };
  assert.deepEqual(readArguments(['--from', 'inbox']), { ...defaults, from: 'inbox', digests: null, json: false });
  const args = ['--from', 'messages', '--dry-run', '--partition', '0,3', '--rows-per-second', '500', '--restart'];
  assert.deepEqual(readArguments([...args, '--json', '--digests', 'x']), {
    ...{ from: 'messages', dryRun: true, only: new Set([0, 3]), rowsPerSecond: 500, restart: true },
    ...{ digests: 'x', json: true },
  });
  assert.equal(readArguments(['--help']), 'help');
  for (const [option] of USAGE.matchAll(/^ {2}--[a-z-]+/gm))
    for (const args of [[option.trim()], [option.trim(), '1']])
      try {
        readArguments(['--from', 'inbox', ...args]);
      } catch (error) {
        assert.doesNotMatch((error as Error).message, /Unknown option/, option);
      }
});

test('whatever is wrong with it is one line that says what to do', () => {
  const wrong: [string[], RegExp][] = [
    [[], /^Say what to rebuild from: --from messages or --from inbox/],
    [['--from', 'timeline'], /^--from timeline: there are messages and inbox/],
    [['--from', 'inbox', '--partition', '1'], /only whole sets are put in force: add --dry-run/],
    [['--from', 'inbox', '--dry-run', '--partition', 'a'], /^--partition a: give numbers/],
    [['--from', 'inbox', '--rows-per-second', '0'], /give a whole number from 1/],
    [['--from', 'inbox', '--frm'], /Unknown option '--frm'.*See --help/],
    [['--from', 'inbox', 'more'], /more.*See --help/],
  ];
  for (const [args, message] of wrong)
    assert.throws(
      () => readArguments(args),
      (error) => error instanceof ReplayError && message.test(error.message) && !error.message.includes('\n'),
      args.join(' '),
    );
});
