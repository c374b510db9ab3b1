import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeMessagesRecord } from '../../../services/events/codec.ts';
import type { Canary } from '../../../services/events/commands.ts';
import { EMBEDDED_LAYOUT, type TopicLayout } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { CanaryProber, type CanaryProberOptions } from '../../../services/operations/canary-prober.ts';
import type { AppendBatch, EventLog, PartitionAssignment } from '../../../services/ports/log/event-log.ts';
import { OwnedPartition } from '../../../services/ports/log/owned-partitions.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const SIXTEEN: TopicLayout = { ...EMBEDDED_LAYOUT, partitions: { messages: 16, timeline: 16, inbox: 16 } };

function setUp(options: Partial<CanaryProberOptions> = {}, layout = EMBEDDED_LAYOUT, runtime = new ManualRuntime()) {
  const appends: (readonly AppendBatch[])[] = [];
  const log = {
    layout,
    append: async (_topic: string, batches: readonly AppendBatch[]) => void appends.push(batches),
  } as unknown as EventLog;
  const address = { node: 'api', incarnation: 'one' };
  const prober = new CanaryProber({ address, log, runtime, logger: silentLogger, ...options });
  const comeBack = (sourcePartition: number, inboxPartition: number) => {
    prober.onCanary({ type: 'canary', canaryId: 'x', sourcePartition, inboxPartition });
  };
  const allComeBack = () => {
    for (let source = 0; source < layout.partitions.messages; source++)
      for (let inbox = 0; inbox < layout.partitions.inbox; inbox++) comeBack(source, inbox);
  };
  const rounds = () => appends.map((batches) => batches.map(({ partition }) => partition));
  return { runtime, appends, rounds, prober, comeBack, allComeBack };
}

function take(runtime: ManualRuntime, topic: 'messages' | 'inbox', partition: number): OwnedPartition {
  return new OwnedPartition({ topic, partition } as PartitionAssignment, runtime);
}

describe('the prober of an api or edge', () => {
  test('puts a canary of its own into every partition of messages, at once, where they are few', async () => {
    const { appends, rounds, prober, runtime } = setUp();
    prober.start();
    await runtime.advance(0);
    assert.deepEqual(rounds(), [[0, 1, 2, 3]]);
    const { type, origin } = decodeMessagesRecord(appends[0]![0]!.records[0]!.value) as Canary;
    assert.deepEqual([type, { ...origin }], ['Canary', { node: 'api', incarnation: 'one', session: 0, request: 0 }]);
    prober.stop();
    assert.equal(runtime.timers, 0);
  });

  test('takes a quarter of many partitions a round, and all of them in turn', async () => {
    const { rounds, prober, runtime } = setUp({}, SIXTEEN);
    prober.start();
    await runtime.advance(1_500);
    assert.deepEqual(rounds(), [
      [8, 9, 10, 11],
      [12, 13, 14, 15],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
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

  test('does not ask more and more while nothing comes back: what was asked waits in the log', async () => {
    const { appends, prober, runtime, allComeBack } = setUp();
    prober.start();
    await runtime.advance(600_000);
    assert.ok(appends.length <= 10 + 600 / 15, `${appends.length} rounds in ten minutes`);
    allComeBack();
    assert.equal(prober.whyClientsMustWait(), null);
    await runtime.advance(15_000);
    const before = appends.length;
    await runtime.advance(60_000);
    assert.equal(appends.length, before + 4);
  });

  test('is ready when every pair of partitions answered', () => {
    const { prober, comeBack, allComeBack } = setUp();
    assert.equal(prober.whyClientsMustWait(), 'no canary came back yet');
    comeBack(0, 0);
    assert.equal(prober.whyClientsMustWait(), 'canaries came back through 1 of 16 pairs of partitions');
    allComeBack();
    assert.equal(prober.whyClientsMustWait(), null);
  });

  test('does not let one stuck partition keep the api out of service', async () => {
    const { prober, comeBack, runtime } = setUp();
    comeBack(0, 0);
    await runtime.advance(5_001);
    assert.equal(prober.whyClientsMustWait(), null);
  });

  test('is not ready when none came back for 30 seconds, and ready again with the next', async () => {
    const { prober, comeBack, allComeBack, runtime } = setUp();
    allComeBack();
    await runtime.advance(30_000);
    assert.equal(prober.whyClientsMustWait(), null);
    await runtime.advance(12_000);
    assert.equal(prober.whyClientsMustWait(), 'no canary back for 42 s');
    comeBack(3, 3);
    assert.equal(prober.whyClientsMustWait(), null);
  });
});

describe('the prober of a fanout process', () => {
  test('probes its own partitions, all of them each round, and no others', async () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'messages', 9), take(runtime, 'messages', 2)];
    const { rounds, prober } = setUp({ forClients: false, fanout: () => owned }, SIXTEEN, runtime);
    prober.start();
    await runtime.advance(0);
    assert.deepEqual(rounds(), [[2, 9]]);
  });

  test('is not ready before a canary came back, even through partitions just taken', () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'messages', 0)];
    const { prober } = setUp({ forClients: false, fanout: () => owned }, SIXTEEN, runtime);
    assert.equal(
      prober.whyNotAll(() => owned),
      'no canary came back yet',
    );
  });

  test('is not ready while one of its own partitions gives nothing back, and names it', async () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'messages', 3), take(runtime, 'messages', 4)];
    const { prober, comeBack } = setUp({ forClients: false, fanout: () => owned }, SIXTEEN, runtime);
    comeBack(3, 0);
    comeBack(4, 0);
    await runtime.advance(29_000);
    comeBack(4, 0);
    assert.equal(
      prober.whyNotAll(() => owned),
      null,
    );
    await runtime.advance(13_000);
    assert.equal(
      prober.whyNotAll(() => owned),
      'no canary back on messages/3 for 42 s',
    );
  });

  test('gives a partition that it has just taken 30 seconds', async () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'messages', 3)];
    const { prober, comeBack } = setUp({ forClients: false, fanout: () => owned }, SIXTEEN, runtime);
    comeBack(3, 0);
    comeBack(5, 0);
    await runtime.advance(60_000);
    owned.push(take(runtime, 'messages', 5));
    comeBack(3, 0);
    await runtime.advance(30_000);
    comeBack(3, 0);
    assert.equal(
      prober.whyNotAll(() => owned),
      null,
    );
    await runtime.advance(1_000);
    assert.equal(
      prober.whyNotAll(() => owned),
      'no canary back on messages/5 for 31 s',
    );
  });

  test('with no partition stands by: ready while canaries come back through others', async () => {
    const runtime = new ManualRuntime();
    const { prober, comeBack, rounds } = setUp({ forClients: false, fanout: () => [] }, SIXTEEN, runtime);
    prober.start();
    await runtime.advance(0);
    assert.deepEqual(rounds(), [[8]]);
    assert.notEqual(
      prober.whyNotAll(() => []),
      null,
    );
    comeBack(8, 1);
    assert.equal(
      prober.whyNotAll(() => []),
      null,
    );
  });
});

describe('the prober of an inbox process', () => {
  test('probes two partitions of messages a round, so that a stuck one of fanout does not matter', async () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'inbox', 7)];
    const stuck = 9;
    const { rounds, prober, comeBack } = setUp({ forClients: false, inbox: () => owned }, SIXTEEN, runtime);
    prober.start();
    for (let round = 0; round < 40; round++) {
      await runtime.advance(0);
      for (const source of rounds().at(-1)!) if (source !== stuck) comeBack(source, 7);
      assert.equal(
        prober.whyNotAll(() => owned),
        null,
        `round ${round}`,
      );
      await runtime.advance(15_000);
    }
    assert.ok(rounds().every((partitions) => partitions.length === 2));
    assert.equal(new Set(rounds().flat()).size, 16);
  });

  test('is not ready while one of its own partitions gives nothing back', async () => {
    const runtime = new ManualRuntime();
    const owned = [take(runtime, 'inbox', 7), take(runtime, 'inbox', 8), take(runtime, 'inbox', 9)];
    const { prober, comeBack } = setUp({ forClients: false, inbox: () => owned }, SIXTEEN, runtime);
    comeBack(0, 7);
    await runtime.advance(31_000);
    comeBack(0, 7);
    assert.equal(
      prober.whyNotAll(() => owned),
      'no canary back on inbox/8 for 31 s, and on 1 more of its partitions',
    );
  });
});
