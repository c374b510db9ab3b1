import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CanaryProber } from '../../../services/api/canary-prober.ts';
import { decodeMessagesRecord } from '../../../services/events/codec.ts';
import type { Canary } from '../../../services/events/commands.ts';
import { EMBEDDED_LAYOUT } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import type { AppendBatch, EventLog } from '../../../services/ports/log/event-log.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

function setUp() {
  const runtime = new ManualRuntime();
  const appends: (readonly AppendBatch[])[] = [];
  const log = {
    layout: EMBEDDED_LAYOUT,
    append: async (_topic: string, batches: readonly AppendBatch[]) => void appends.push(batches),
  } as unknown as EventLog;
  const address = { node: 'api', incarnation: 'one' };
  const prober = new CanaryProber({ address, log, runtime, logger: silentLogger });
  const comeBack = (sourcePartition: number, inboxPartition: number) => {
    prober.onCanary({ type: 'canary', canaryId: 'x', sourcePartition, inboxPartition });
  };
  const allComeBack = () => {
    for (let source = 0; source < 4; source++) for (let inbox = 0; inbox < 4; inbox++) comeBack(source, inbox);
  };
  return { runtime, appends, prober, comeBack, allComeBack };
}

describe('the prober', () => {
  test('puts a canary of its own into every partition of messages, at once', async () => {
    const { appends, prober, runtime } = setUp();
    prober.start();
    await runtime.advance(0);
    assert.deepEqual(
      appends[0]!.map(({ partition }) => partition),
      [0, 1, 2, 3],
    );
    const { type, origin } = decodeMessagesRecord(appends[0]![0]!.records[0]!.value) as Canary;
    assert.deepEqual([type, { ...origin }], ['Canary', { node: 'api', incarnation: 'one', session: 0, request: 0 }]);
    prober.stop();
    assert.equal(runtime.timers, 0);
  });

  test('asks often until the first ones came back, then every 15 seconds', async () => {
    const { appends, prober, runtime, allComeBack } = setUp();
    prober.start();
    await runtime.advance(2_000);
    assert.equal(appends.length, 5);
    allComeBack();
    await runtime.advance(500);
    const before = appends.length;
    await runtime.advance(30_000);
    assert.equal(appends.length, before + 2);
  });

  test('is ready when every pair of partitions answered', () => {
    const { prober, comeBack, allComeBack } = setUp();
    assert.equal(prober.ready(), false);
    comeBack(0, 0);
    assert.equal(prober.ready(), false);
    allComeBack();
    assert.equal(prober.ready(), true);
  });

  test('does not let one stuck partition keep the api out of service', async () => {
    const { prober, comeBack, runtime } = setUp();
    comeBack(0, 0);
    await runtime.advance(5_001);
    assert.equal(prober.ready(), true);
  });

  test('is not ready when none came back for 30 seconds, and ready again with the next', async () => {
    const { prober, comeBack, allComeBack, runtime } = setUp();
    allComeBack();
    await runtime.advance(30_000);
    assert.equal(prober.ready(), true);
    await runtime.advance(1);
    assert.equal(prober.ready(), false);
    comeBack(3, 3);
    assert.equal(prober.ready(), true);
  });
});
