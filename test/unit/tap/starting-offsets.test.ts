// --from: the export begins where it was told to, on a log whose records are some minutes apart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Start } from '../../../services/commands/tap/arguments.ts';
import { EventReader } from '../../../services/commands/tap/event-reader.ts';
import type { EventSource } from '../../../services/commands/tap/event-source.ts';
import { startingOffsets } from '../../../services/commands/tap/starting-offsets.ts';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { OffsetOutOfRangeError } from '../../../services/ports/log/event-log.ts';

const BEGIN_MS = Date.UTC(2026, 0, 1);
const END = 600;
/** Four days in all. */
const STEP_MS = 10 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;

/** One partition from `start` on. Its clock, and that of the commands, which is `skew_ms` ahead. */
function sourceFrom(start: number, skew_ms = 0): EventSource {
  const recordAt = (offset: number) => {
    const time = BEGIN_MS + offset * STEP_MS;
    const event = {
      type: 'MessageSent',
      conversationId: `g:${'0'.repeat(32)}`,
      seq: offset + 1,
      ordinal: offset + 1,
      sender: 'ann',
      commandId: '019b76d0-0000-7000-8000-000000000000',
      time,
      position: offset,
      contentType: 'text/plain',
      keyId: null,
      payload: Buffer.from('text'),
    } as const;
    return { offset, appendTime: time - skew_ms, key: event.conversationId, value: encodeTimelineEvent(event) };
  };
  return {
    topic: 'timeline.g1',
    newerTopic: null,
    partitions: 1,
    sourcePartitions: 1,
    name: 'a list',
    range: async () => ({ start, end: END }),
    read: async (_, offset, records_max) => {
      if (offset < start || offset > END) throw new OffsetOutOfRangeError('timeline', 0, offset);
      const count = Math.min(records_max, END - offset);
      return Array.from({ length: count }, (_, i) => recordAt(offset + i));
    },
    close: async () => {},
  };
}

async function rowsFrom(source: EventSource, from: Start) {
  const since_ms = from.type === 'time' ? from.time_ms : Number.NEGATIVE_INFINITY;
  const reader = EventReader.begin(source, await startingOffsets(source, from), since_ms);
  const { rows } = await reader.read([END]);
  return rows.map(({ logOffset }) => logOffset);
}

const countFrom = (first: number) => Array.from({ length: END - first }, (_, i) => first + i);

test('earliest is the oldest record that is there', async () => {
  assert.deepEqual(await rowsFrom(sourceFrom(0), { type: 'earliest' }), countFrom(0));
  assert.deepEqual(await rowsFrom(sourceFrom(90), { type: 'earliest' }), countFrom(90));
});

test('an offset is that record, and one outside the log is refused', async () => {
  const at = (offset: number): Start => ({ type: 'offsets', offsets: new Map([[0, offset]]) });
  assert.deepEqual(await rowsFrom(sourceFrom(0), at(123)), countFrom(123));
  assert.deepEqual(await rowsFrom(sourceFrom(0), at(END)), []);
  await assert.rejects(startingOffsets(sourceFrom(200), at(123)), /holds offsets 200 to 600, no 123/);
  const strange: Start = { type: 'offsets', offsets: new Map([[1, 0]]) };
  await assert.rejects(startingOffsets(sourceFrom(0), strange), /timeline\.g1 has 1 partitions, no 1/);
});

test('a time is the first event of that time, also where the clocks of topics differ, and is found without reading all', async () => {
  for (const skew_ms of [0, 23 * HOUR_MS, -23 * HOUR_MS]) {
    for (const [number, start] of [
      [0, 0],
      [300, 0],
      [599, 0],
      [300, 400],
      [5_000, 0],
    ] as const) {
      const source = sourceFrom(start, skew_ms);
      const from: Start = { type: 'time', time_ms: BEGIN_MS + number * STEP_MS };
      assert.deepEqual(
        await rowsFrom(source, from),
        countFrom(Math.max(start, Math.min(number, END))),
        `${skew_ms} ${number}`,
      );
      // A day is kept as a margin, and the clock is up to another day behind.
      const [offset] = await startingOffsets(source, from);
      assert.ok(offset! >= Math.max(start, Math.min(number - 288, END - 288)), `begins at ${offset}`);
    }
  }
});

test('a log that is trimmed while its times are looked up is told in a sentence', async () => {
  const source = sourceFrom(0);
  const trimmed = { ...source, read: sourceFrom(END).read };
  await assert.rejects(startingOffsets(trimmed, { type: 'time', time_ms: BEGIN_MS + 300 * STEP_MS }), {
    name: 'BadInput',
    message: 'Partition 0 of timeline.g1 was trimmed while --from was looked up in it. Run it again.',
  });
});
