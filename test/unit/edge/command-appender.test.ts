// The queue between senders and the log.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Refusal } from '../../../services/kernel/errors.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { CommandAppender, type CommandToAppend } from '../../../services/ports/log/command-appender.ts';
import type { EventLog } from '../../../services/ports/log/event-log.ts';
import { HandLog, HandRuntime, settle } from './hand-driven.ts';

function start(queue_bytes_max?: number) {
  const log = new HandLog();
  const runtime = new HandRuntime();
  const answers: string[] = [];
  const appender = new CommandAppender({
    log: log as unknown as EventLog,
    runtime,
    logger: silentLogger,
    metrics: new Metrics(),
    ...(queue_bytes_max === undefined ? {} : { queue_bytes_max }),
  });
  const command = (name: string, options: { sender?: object; partition?: number; bytes?: number } = {}) =>
    ({
      key: name,
      value: new Uint8Array(options.bytes ?? 10),
      partition: options.partition ?? 0,
      sender: options.sender ?? {},
      onAccepted: () => answers.push(`${name} accepted`),
      onRefused: ({ code }: Refusal) => answers.push(`${name} ${code}`),
    }) satisfies CommandToAppend;
  const keys = () => log.appends.map(({ batches }) => batches.map(({ records }) => records.map(({ key }) => key)));
  return { log, runtime, appender, command, answers, keys };
}

test('one request is in flight, with all partitions in it', async () => {
  const { log, appender, command, answers, keys } = start();
  appender.append(command('a', { partition: 1 }));
  appender.append(command('b', { partition: 0 }));
  appender.append(command('c', { partition: 1 }));
  await settle();
  appender.append(command('d'));
  await settle();
  assert.deepEqual(keys(), [[['a', 'c'], ['b']]]);
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(keys()[1], [['d']]);
  assert.deepEqual(answers, ['a accepted', 'b accepted', 'c accepted']);
});

test('a full queue refuses at once and takes again when it has room', async () => {
  const { log, appender, command } = start(1_000);
  assert.equal(appender.append(command('a', { bytes: 600 })), null);
  assert.equal(appender.append(command('b', { bytes: 600 }))?.code, 'overloaded');
  await settle();
  assert.equal(appender.append(command('b', { bytes: 600 })), null, 'what is in flight is not in the queue');
  log.appends[0]!.succeed();
});

test('a request is bounded, and what does not fit waits in order', async () => {
  const { log, appender, command, keys } = start();
  for (const name of ['a', 'b', 'c'])
    appender.append(command(name, { bytes: 300_000, partition: name.charCodeAt(0) % 4 }));
  await settle();
  assert.deepEqual(keys(), [[['a']]]);
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(keys().length, 2);
});

test('a failure takes along what its sender has queued, and nothing of others', async () => {
  const { log, appender, command, answers, keys } = start();
  const sender = {};
  appender.append(command('a1', { sender }));
  await settle();
  appender.append(command('a2', { sender }));
  appender.append(command('b1'));
  log.appends[0]!.fail('refused');
  await settle();
  assert.deepEqual(answers, ['a1 log_unavailable', 'a2 out_of_turn']);
  assert.deepEqual(keys(), [[['a1']], [['b1']]]);
});

test('idle resolves when everything taken was answered', async () => {
  const { log, appender, command, answers } = start();
  await appender.idle();
  appender.append(command('a'));
  let idle = false;
  void appender.idle().then(() => {
    idle = true;
  });
  await settle();
  assert.equal(idle, false);
  appender.stop();
  assert.equal(appender.append(command('b'))?.code, 'draining');
  log.appends[0]!.succeed();
  await settle();
  assert.equal(idle, true);
  assert.deepEqual(answers, ['a accepted']);
});
