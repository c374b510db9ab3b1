import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments, superviseArguments } from '../../../infra/local/cluster/arguments.ts';
import { ClusterError } from '../../../infra/local/cluster/cluster-error.ts';

test('without arguments a cluster of one api and two of each other role is started in the background', () => {
  const counts = { api: 1, edge: 2, fanout: 2, inbox: 2 };
  assert.deepEqual(readArguments([]), { command: 'start', counts, port: null, isForeground: false });
});

test('the supervisor is started with what the command was started with', () => {
  const text = '--api 2 --edges 3 --fanouts 4 --inboxes 5 --port 9000 --foreground';
  const started = readArguments(text.split(' '));
  assert.ok(started.command === 'start');
  const supervised = readArguments(superviseArguments('/data/fanlog.cluster', started));
  assert.deepEqual(supervised, { ...started, command: 'supervise', folder: '/data/fanlog.cluster' });
});

for (const [text, told] of [
  ['--edges 0', '--edges 0: give a whole number from 1 to 32.'],
  ['--fanouts many', '--fanouts many: give a whole number from 1 to 32.'],
  ['--port 70000', '--port 70000: give a whole number from 1 to 65535.'],
  ['--add fonout', '--add fonout: give one of api, edge, fanout, inbox.'],
  ['--stop --status', '--status and --stop: give one of them at a time.'],
  ['--fanout 3', "Unknown option '--fanout'. See npm run cluster -- --help."],
  ['3', "Unexpected argument '3'. See npm run cluster -- --help."],
] as const) {
  test(`${text} is refused in one line`, () => {
    assert.throws(
      () => readArguments(text.split(' ')),
      (error: Error) => {
        assert.ok(error instanceof ClusterError);
        assert.equal(error.message, told);
        return true;
      },
    );
  });
}
