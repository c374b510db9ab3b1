import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lagMetrics } from '../../../services/operations/lag-metrics.ts';
import type { EventLog, PartitionAssignment } from '../../../services/ports/log/event-log.ts';
import { OwnedPartitions } from '../../../services/ports/log/owned-partitions.ts';
import { ManualRuntime, settle } from '../kernel/manual-runtime.ts';

function setUp() {
  const runtime = new ManualRuntime();
  const partitions = new OwnedPartitions(runtime);
  const ends = [10, 20];
  let answers = true;
  let asked = 0;
  const log = {
    endOffset: (_topic: string, partition: number) => {
      asked++;
      return answers ? Promise.resolve(ends[partition]!) : new Promise<number>(() => {});
    },
  } as unknown as EventLog;
  const collect = lagMetrics({ log, runtime, owned: new Map([['fanout', () => partitions.list()]]) });
  const scrape = async () => {
    const families = await collect();
    const of = (name: string) =>
      Object.fromEntries(
        (families.find((family) => family.name === name)?.samples ?? []).map(({ labels, value }) => [
          labels?.partition ?? labels?.role,
          value,
        ]),
      );
    return {
      owned: of('fanlog_owned_partitions'),
      records: of('fanlog_lag_records'),
      seconds: of('fanlog_lag_seconds'),
      age: of('fanlog_lag_age_seconds'),
    };
  };
  const take = (partition: number) => partitions.take({ topic: 'messages', partition } as PartitionAssignment);
  return {
    runtime,
    partitions,
    ends,
    scrape,
    take,
    hang: () => {
      answers = false;
    },
    asked: () => asked,
  };
}

describe('the lag of a partition', () => {
  test('is what the log has beyond what is processed, in records', async () => {
    const { take, scrape } = setUp();
    take(0).advance(10, 0);
    take(1).advance(13, 0);
    const { owned, records, seconds } = await scrape();
    assert.deepEqual({ owned, records }, { owned: { fanout: 2 }, records: { 0: 0, 1: 7 } });
    assert.equal(seconds[0], 0);
  });

  test('is the age of the last record processed, in seconds', async () => {
    const { take, scrape, runtime } = setUp();
    take(0).advance(4, runtime.now() - 8_000);
    assert.deepEqual((await scrape()).seconds, { 0: 8 });
  });

  test('does not count the time before in which there was nothing to do', async () => {
    const { take, scrape, runtime, ends } = setUp();
    take(0).advance(10, runtime.now() - 60_000);
    await scrape();
    await runtime.advance(2_000);
    ends[0] = 11;
    assert.deepEqual((await scrape()).seconds, { 0: 2 });
  });

  test('is never below zero when the clock of the log is ahead', async () => {
    const { take, scrape, runtime } = setUp();
    take(0).advance(4, runtime.now() + 5_000);
    assert.deepEqual((await scrape()).seconds, { 0: 0 });
  });

  test('is not shown before the checkpoint is read, nor after the partition was given away', async () => {
    const { take, scrape, partitions } = setUp();
    const owned = take(0);
    assert.deepEqual((await scrape()).records, {});
    owned.next = 0;
    assert.deepEqual((await scrape()).records, { 0: 10 });
    partitions.give(owned);
    assert.deepEqual(await scrape(), { owned: { fanout: 0 }, records: {}, seconds: {}, age: {} });
  });

  test('is served as last known, with its age, when the log does not answer within a second', async () => {
    const { take, scrape, runtime, hang, asked } = setUp();
    take(0).advance(7, runtime.now());
    await scrape();
    hang();
    await runtime.advance(20_000);
    const scraping = scrape();
    await settle();
    await runtime.advance(1_000);
    const { records, age } = await scraping;
    assert.deepEqual({ records, age }, { records: { 0: 3 }, age: { fanout: 21 } });
    const before = asked();
    const again = scrape();
    await runtime.advance(1_000);
    await again;
    assert.equal(asked(), before, 'a question that was not answered is not asked again meanwhile');
  });
});
