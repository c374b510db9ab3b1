import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inboxHeadFrom, takeInboxSeq, takeSource } from '../../../services/inbox/fold-inbox.ts';

test('entries are numbered densely in the order of the records, whatever is read again from wherever', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 40 }), fc.nat(40), (steps, cut) => {
      const positions = steps.map((_, i) => i * 3);
      const first = inboxHeadFrom('u', null);
      const numbers = positions.map((position) => takeInboxSeq(first, position));
      assert.deepEqual(
        numbers,
        positions.map((_, i) => i + 1),
      );
      // A later owner starts from a head row that was written somewhere on the way, and reads everything again.
      const at = positions[Math.min(cut, positions.length - 1)] ?? -1;
      const head = positions.filter((position) => position <= at).length;
      const second = inboxHeadFrom('u', { user: 'u', head, headAsOf: at, minimumSeq: 1 });
      const again = positions.map((position) => takeInboxSeq(second, position));
      assert.deepEqual(
        again,
        positions.map((position, i) => (position <= at ? 0 : i + 1)),
      );
      assert.equal(second.head, first.head);
    }),
  );
});

test('of each source a record counts once, and only if it stands above all that were seen', () => {
  const sources = {};
  assert.deepEqual(
    [
      [0, 5],
      [1, 5],
      [0, 5],
      [0, 4],
      [0, 6],
      [1, 6],
      [0, 6],
    ].map(([p, o]) => takeSource(sources, p!, o!)),
    [true, true, false, false, true, true, false],
  );
  assert.deepEqual(sources, { 0: 6, 1: 6 });
});
