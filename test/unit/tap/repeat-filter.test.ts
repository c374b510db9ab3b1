// Whatever a partition's fanouts do within the rules, the filter lets each event through once, in order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RepeatFilter } from '../../../services/commands/tap/repeat-filter.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';

const EVENTS = 30;

function eventAt(position: number): TimelineEvent {
  const conversationId = `g:${String(position % 5).padStart(32, '0')}`;
  const seq = Math.floor(position / 5) + 1;
  const rest = {
    sender: 'ann',
    commandId: '',
    time: 0,
    contentType: 'text/plain',
    keyId: null,
    payload: new Uint8Array(),
  };
  return { type: 'MessageSent', conversationId, seq, ordinal: seq, position, ...rest };
}

/**
 * What stands on the topic when owners come and go: each begins at most at the end of what is there (its checkpoint states
 * a true fact, R4) and appends on in order, several at a time in turn; the last one comes to the end.
 */
const written = fc
  .array(fc.record({ back: fc.nat(10), turns: fc.array(fc.nat(3), { maxLength: 25 }) }), { maxLength: 4 })
  .map((owners) => {
    const log: number[] = [];
    const places: number[] = [];
    const append = (owner: number) => {
      if (places[owner]! < EVENTS) log.push(places[owner]!++);
    };
    for (const { back, turns } of [...owners, { back: 5, turns: [] }]) {
      places.push(Math.max(0, Math.max(-1, ...log) + 1 - back));
      for (const turn of turns) append(Math.max(0, places.length - 1 - turn));
    }
    while (places.at(-1)! < EVENTS) append(places.length - 1);
    return log;
  });

test('owners that begin again, or believe that they own the partition both, repeat events; each comes through once', () => {
  fc.assert(
    fc.property(written, fc.nat(100), (log, stop) => {
      let filter = new RepeatFilter(1);
      const taken: number[] = [];
      for (const [i, position] of log.entries()) {
        // The tap ends somewhere and goes on with what it remembers.
        if (i === stop) filter = new RepeatFilter(1, JSON.parse(JSON.stringify(filter.positions)));
        if (filter.take(eventAt(position))) taken.push(position);
      }
      assert.deepEqual(
        taken,
        Array.from({ length: EVENTS }, (_, position) => position),
      );
    }),
  );
});

test('positions of another partition of messages are another matter', () => {
  const filter = new RepeatFilter(16);
  const [a, b] = ['d:5:alice3:bob', 'd:3:bob5:carol'];
  assert.ok(filter.take({ ...eventAt(9), conversationId: a }));
  assert.ok(filter.take({ ...eventAt(3), conversationId: b }));
  assert.ok(!filter.take({ ...eventAt(9), conversationId: a }));
  assert.ok(!filter.take({ ...eventAt(2), conversationId: b }));
});
