import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Range, withoutBelow, withRange } from '../../../services/web/known-ranges.ts';

const numbers = (ranges: readonly Range[]) =>
  new Set(ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index)));

test('ranges that touch or overlap become one', () => {
  assert.deepEqual(withRange([{ from: 1, to: 3 }], { from: 4, to: 6 }), [{ from: 1, to: 6 }]);
  assert.deepEqual(
    withRange(
      [
        { from: 1, to: 3 },
        { from: 8, to: 9 },
      ],
      { from: 2, to: 8 },
    ),
    [{ from: 1, to: 9 }],
  );
});

test('an empty range adds nothing', () => {
  assert.deepEqual(withRange([{ from: 1, to: 3 }], { from: 5, to: 4 }), [{ from: 1, to: 3 }]);
});

test('ranges stay sorted and apart, and hold exactly what was added', () => {
  const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), (added) => {
      const all = added.map(([from, length]) => ({ from, to: from + length }));
      const ranges = all.reduce<readonly Range[]>((sum, one) => withRange(sum, one), []);
      assert.deepEqual(numbers(ranges), new Set([...numbers(all)].sort((a, b) => a - b)));
      for (const [index, { from }] of ranges.entries()) {
        if (index > 0) assert.ok(from > ranges[index - 1]!.to + 1);
      }
    }),
  );
});

test('what is below a limit is forgotten, also in the middle of a range', () => {
  const ranges = [
    { from: 1, to: 3 },
    { from: 6, to: 9 },
  ];
  assert.deepEqual(withoutBelow(ranges, 8), [{ from: 8, to: 9 }]);
});
