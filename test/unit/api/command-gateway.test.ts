import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CommandGateway } from '../../../services/api/command-gateway.ts';
import { decodeMessagesRecord } from '../../../services/events/codec.ts';
import type { Command } from '../../../services/events/commands.ts';
import { EMBEDDED_LAYOUT } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { CommandAppender } from '../../../services/ports/log/command-appender.ts';
import { AppendError, type EventLog } from '../../../services/ports/log/event-log.ts';
import { ManualRuntime, settle } from '../kernel/manual-runtime.ts';

const address = { node: 'api', incarnation: 'one' };
const leave = {
  type: 'LeaveConversation',
  conversationId: `g:${'0'.repeat(32)}`,
  sender: 'bob',
  commandId: '01890000-0000-7000-8000-000000000001',
} as const;
const sequenced = { result: 'sequenced', seq: 4, time: 5, repeat: false } as const;

function setUp(append: () => Promise<void> = async () => {}) {
  const runtime = new ManualRuntime();
  const appended: Command[] = [];
  const log = {
    layout: EMBEDDED_LAYOUT,
    append: async (_topic: string, batches: { records: { value: Uint8Array }[] }[]) => {
      await append();
      for (const { value } of batches.flatMap(({ records }) => records)) {
        appended.push(decodeMessagesRecord(value) as Command);
      }
    },
  } as unknown as EventLog;
  const appender = new CommandAppender({ log, runtime, logger: silentLogger, metrics: new Metrics() });
  const gateway = new CommandGateway({ address, appender, partitions: 4, runtime });
  const decide = (command: Command, outcome: Parameters<typeof gateway.onOutcome>[0]['outcome']) => {
    const { conversationId, commandId, origin } = command;
    gateway.onOutcome({ type: 'outcome', ...origin, conversationId, commandId, outcome });
  };
  return { runtime, appended, gateway, decide };
}

/** avsc gives records a class of their own. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

describe('a command over HTTP', () => {
  test('is appended with this process as its origin, and answers with its outcome', async () => {
    const { runtime, appended, gateway, decide } = setUp();
    const answer = gateway.submit(leave);
    await settle();
    assert.deepEqual(plain(appended), [{ ...leave, origin: { ...address, session: 0, request: 1 } }]);
    decide(appended[0]!, sequenced);
    assert.deepEqual(await answer, sequenced);
    assert.equal(gateway.waiting, 0);
    assert.equal(runtime.timers, 0);
  });

  test('without an outcome is appended again, under the same id', async () => {
    const { runtime, appended, gateway, decide } = setUp();
    const answer = gateway.submit(leave);
    await runtime.advance(2_000);
    await settle();
    assert.equal(appended.length, 2);
    assert.deepEqual(appended[0], appended[1]);
    decide(appended[1]!, { ...sequenced, repeat: true });
    assert.deepEqual(await answer, { ...sequenced, repeat: true });
  });

  test('is undecided after the deadline', async () => {
    const { runtime, gateway } = setUp();
    const answer = gateway.submit(leave);
    await runtime.advance(10_000);
    assert.deepEqual(await answer, { code: 'undecided' });
    assert.equal(gateway.waiting, 0);
  });

  test('that the log never confirmed says so instead of undecided', async () => {
    const { runtime, gateway } = setUp(() => Promise.reject(new AppendError('unknown', 'no leader')));
    const answer = gateway.submit(leave);
    await runtime.advance(10_000);
    assert.deepEqual(await answer, { code: 'log_unavailable' });
  });

  test('takes an outcome that comes although the log did not confirm', async () => {
    const { appended, gateway, decide } = setUp();
    const answer = gateway.submit(leave);
    await settle();
    decide(appended[0]!, { result: 'rejected', code: 'not_a_member' });
    assert.deepEqual(await answer, { result: 'rejected', code: 'not_a_member' });
  });

  test('is told only its own outcome, and once', async () => {
    const { appended, gateway, decide } = setUp();
    const first = gateway.submit(leave);
    const second = gateway.submit({ ...leave, commandId: '01890000-0000-7000-8000-000000000002' });
    await settle();
    decide(appended[1]!, { ...sequenced, seq: 9 });
    decide(appended[1]!, sequenced);
    decide(appended[0]!, sequenced);
    assert.deepEqual(await second, { ...sequenced, seq: 9 });
    assert.deepEqual(await first, sequenced);
  });

  test('is refused at once when too many wait', async () => {
    const { gateway } = setUp();
    for (let i = 0; i < 4_096; i++) void gateway.submit(leave);
    assert.deepEqual(await gateway.submit(leave), { code: 'overloaded' });
  });
});
