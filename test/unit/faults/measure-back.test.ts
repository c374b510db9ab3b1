import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Journey } from '../../cluster/ledger/index.ts';
import { backAfter_ms } from '../../faults/measure-back.ts';

const TIMES = { injectedAt: 10_000, healedAt: 10_500 };
const journey = (sentAt: number, seenAt: number | null): Journey => ({ sentAt, seenAt, acknowledgedAt: sentAt + 5 });

test('delivery is back when the last message has come that took longer than a second', () => {
  const journeys = [journey(9_900, 9_950), journey(10_100, 13_000), journey(12_500, 13_600), journey(13_000, 13_999)];
  assert.equal(backAfter_ms(journeys, 'seenAt', TIMES), 3_600);
});

test('what is late long after everything was in time again has another reason', () => {
  const quiet = [journey(12_000, 12_010), journey(15_000, 15_010), journey(18_100, 18_110)];
  assert.equal(backAfter_ms([journey(10_100, 13_000), ...quiet, journey(18_200, 20_000)], 'seenAt', TIMES), 3_000);
});

test('what is late soon after that, or before it is healed, is of this fault', () => {
  assert.equal(backAfter_ms([journey(10_100, 13_000), journey(17_900, 19_500)], 'seenAt', TIMES), 9_500);
  const lasting = { injectedAt: 10_000, healedAt: 40_000 };
  assert.equal(backAfter_ms([journey(10_100, 13_000), journey(39_900, 41_500)], 'seenAt', lasting), 31_500);
});

test('a fault that nobody noticed took no time', () => {
  assert.equal(backAfter_ms([journey(10_100, 11_099)], 'seenAt', TIMES), 0);
  assert.equal(backAfter_ms([], 'seenAt', TIMES), 0);
});

test('a message that was on its way when the fault came counts', () => {
  assert.equal(backAfter_ms([journey(9_500, 12_000)], 'seenAt', TIMES), 2_000);
});

test('what never came is no time at all', () => {
  assert.equal(backAfter_ms([journey(10_100, null), journey(10_200, 15_000)], 'seenAt', TIMES), null);
});

test('sends are measured by their receipts', () => {
  assert.equal(backAfter_ms([journey(10_100, null)], 'acknowledgedAt', TIMES), 0);
});
