import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments } from '../../../services/commands/import/arguments.ts';
import { BadInput } from '../../../services/commands/import/bad-input.ts';

test('the arguments mean what the usage says', () => {
  const all = {
    file: 'f',
    profile: 'embedded',
    rooms_max: Number.POSITIVE_INFINITY,
    url: null,
    json: false,
    chaos: false,
  };
  assert.deepEqual(readArguments(['f']), all);
  assert.deepEqual(readArguments(['f', '--rooms', '20', '--profile', 'embedded', '--json', '--chaos']), {
    ...all,
    rooms_max: 20,
    json: true,
    chaos: true,
  });
  assert.deepEqual(readArguments(['f', '--profile', 'cluster', '--chaos']), {
    ...all,
    profile: 'cluster',
    chaos: true,
  });
  assert.deepEqual(readArguments(['--url', 'http://chat.test:8080/', 'f']), { ...all, url: 'http://chat.test:8080' });
  assert.equal(readArguments(['--help']), 'help');
});

test('whatever is wrong with them is one line', () => {
  const wrong: [string[], RegExp][] = [
    [[], /Name the file/],
    [['f', 'g'], /g is a second one/],
    [['f', '--room', '3'], /Unknown option '--room'/],
    [['f', '--rooms'], /--rooms/],
    [['f', '--rooms', '0'], /whole number/],
    [['f', '--rooms', 'all'], /whole number/],
    [['f', '--profile', 'kafka'], /there are embedded and cluster/],
    [['f', '--profile', 'cluster', '--url', 'http://chat.test'], /drop one of them/],
    [['f', '--url', 'chat.test'], /give the address/],
    [['f', '--url', 'ws://chat.test'], /give the address/],
    [['f', '--url', 'http://chat.test', '--chaos'], /drop --url/],
  ];
  for (const [args, pattern] of wrong) {
    assert.throws(
      () => readArguments(args),
      (error) => {
        assert.ok(error instanceof BadInput);
        assert.match(error.message, pattern);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  }
});
