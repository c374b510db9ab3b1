import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LogRecord, OffsetOutOfRangeError } from '../../../services/ports/log/event-log.ts';
import { MergedReader } from '../../../services/replay/merged-reader.ts';
import { ReplayError } from '../../../services/replay/replay-error.ts';

const value = new Uint8Array();

/** By partition: the times of its records. Gives at most three at once, as a log gives what fits. */
function logOf(times: readonly (readonly number[])[]) {
  const readFrom = async (_: string, partition: number, offset: number, records_max: number) => {
    const records = times[partition]!.map((appendTime, i): LogRecord => ({ offset: i, appendTime, key: '', value }));
    if (offset > records.length) throw new OffsetOutOfRangeError('messages', partition, offset);
    return records.slice(offset, offset + Math.min(3, records_max));
  };
  return { readFrom };
}

async function readAll(reader: MergedReader, records_max: number) {
  const all: { partition: number; offset: number; appendTime: number }[] = [];
  for (;;) {
    const some = await reader.read(records_max);
    if (some.length === 0) return all;
    assert.ok(some.length <= records_max);
    for (const { partition, record } of some)
      all.push({ partition, offset: record.offset, appendTime: record.appendTime });
  }
}

const logs = fc.array(fc.array(fc.nat(20), { maxLength: 15 }), { minLength: 1, maxLength: 4 });

test('every record comes once, each partition in its order, the oldest of the next ones first', async () => {
  await fc.assert(
    fc.asyncProperty(logs, fc.integer({ min: 1, max: 9 }), async (times, records_max) => {
      const spans = times.map((all, partition) => ({ partition, from: 0, to: all.length }));
      const read = await readAll(new MergedReader(logOf(times), 'messages', spans), records_max);
      const next = times.map(() => 0);
      for (const { partition, offset, appendTime } of read) {
        assert.equal(offset, next[partition]);
        for (const [other, at] of next.entries())
          if (at < times[other]!.length) assert.ok(appendTime <= times[other]![at]!);
        next[partition]!++;
      }
      assert.deepEqual(
        next,
        times.map((all) => all.length),
      );
    }),
  );
});

test('whoever goes on in the middle gets the rest of the same sequence', async () => {
  await fc.assert(
    fc.asyncProperty(logs, fc.nat(40), async (times, cut) => {
      const spans = times.map((all, partition) => ({ partition, from: 0, to: all.length }));
      const whole = await readAll(new MergedReader(logOf(times), 'messages', spans), 7);
      const done = whole.slice(0, cut);
      const rest = spans.map(({ partition, to }) => ({
        ...{ partition, to },
        from: done.filter((record) => record.partition === partition).length,
      }));
      assert.deepEqual(await readAll(new MergedReader(logOf(times), 'messages', rest), 3), whole.slice(cut));
    }),
  );
});

test('a record that is gone ends it with a sentence', async () => {
  const spans = [{ partition: 0, from: 0, to: 9 }];
  await assert.rejects(
    readAll(new MergedReader(logOf([[1, 2, 3]]), 'messages', spans), 2),
    (error) => error instanceof ReplayError && /messages\/0 has a hole: record 3 does not come/.test(error.message),
  );
});

test('a read that failed is asked for again, and nothing is left out', async () => {
  const log = logOf([
    [1, 4, 5, 6, 9],
    [2, 3, 7, 8],
  ]);
  let calls = 0;
  const shaky = {
    readFrom: async (...args: Parameters<typeof log.readFrom>) => {
      if (++calls % 2 === 0) throw new Error('away');
      return log.readFrom(...args);
    },
  };
  const reader = new MergedReader(shaky, 'messages', [
    { partition: 0, from: 0, to: 5 },
    { partition: 1, from: 0, to: 4 },
  ]);
  const times: number[] = [];
  let failures = 0;
  for (;;) {
    try {
      const some = await reader.read(2);
      if (some.length === 0) break;
      times.push(...some.map(({ record }) => record.appendTime));
    } catch {
      failures++;
    }
  }
  assert.ok(failures > 0);
  assert.deepEqual(times, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
