import assert from 'node:assert/strict';
import { type Mock, mock, test } from 'node:test';
import { Latecomers } from '../../cluster/ledger/index.ts';

/** Times that a test chooses. */
function withClock(work: (at: (now: number) => void, latecomers: Latecomers) => void): void {
  let now = 0;
  const clock: Mock<() => number> = mock.method(performance, 'now', () => now);
  try {
    work((moment) => {
      now = moment;
    }, new Latecomers());
  } finally {
    clock.mock.restore();
  }
}

test('it has caught up when all that was sent before has arrived, in whatever order', () => {
  withClock((at, latecomers) => {
    for (const [payload, moment] of [
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ] as const) {
      at(moment);
      latecomers.sent(payload);
    }
    at(40);
    latecomers.seen('b');
    assert.equal(latecomers.hasCaughtUp(9), true);
    assert.equal(latecomers.hasCaughtUp(10), false);
    latecomers.seen('a');
    assert.equal(latecomers.hasCaughtUp(29), true);
    assert.equal(latecomers.hasCaughtUp(30), false);
    at(50);
    latecomers.seen('c');
    assert.equal(latecomers.hasCaughtUp(60), true);
    assert.equal(latecomers.slowest_ms(0), 30);
    assert.equal(latecomers.slowest_ms(25), 20);
    assert.equal(latecomers.caughtUpAfter_ms(35), 15);
    assert.equal(latecomers.caughtUpAfter_ms(25), 15);
  });
});

test('only the first arrival and the first receipt count, and strangers do not', () => {
  withClock((at, latecomers) => {
    latecomers.sent('a');
    at(5);
    latecomers.acknowledged('a');
    at(7);
    latecomers.seen('a');
    at(100);
    for (const payload of ['a', 'x']) {
      latecomers.seen(payload);
      latecomers.acknowledged(payload);
    }
    assert.deepEqual(latecomers.sentBetween(0, 200), [{ sentAt: 0, acknowledgedAt: 5, seenAt: 7 }]);
  });
});

test('what was sent between two moments includes both', () => {
  withClock((at, latecomers) => {
    for (const moment of [10, 20, 20, 30]) {
      at(moment);
      latecomers.sent(`${moment}`);
    }
    const sentAt = (from: number, until: number) => latecomers.sentBetween(from, until).map((one) => one.sentAt);
    assert.deepEqual(sentAt(20, 30), [20, 20, 30]);
    assert.deepEqual(sentAt(11, 19), []);
    assert.deepEqual(sentAt(0, 20), [10, 20, 20]);
  });
});
