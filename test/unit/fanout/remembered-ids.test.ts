import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RememberedIds } from '../../../services/fanout/remembered-ids.ts';

test('it knows exactly the ids that a plain map would, whatever is added and forgotten', () => {
  const step = fc.record({ elapsed: fc.nat(5), forget: fc.option(fc.nat(12), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 50 }), (steps, firstSeq) => {
      const ids = new RememberedIds();
      const plain = new Map<string, { seq: number; time: number }>();
      let time = 0;
      for (const [i, { elapsed, forget }] of steps.entries()) {
        time += elapsed;
        ids.add('ann', `id-${i}`, firstSeq + i, time);
        plain.set(`id-${i}`, { seq: firstSeq + i, time });
        if (forget !== undefined) {
          ids.forgetBefore(time - forget);
          for (const [id, entry] of plain) if (entry.time < time - forget) plain.delete(id);
        }
        for (let k = 0; k <= i; k++) assert.deepEqual(ids.find('ann', `id-${k}`), plain.get(`id-${k}`));
        assert.equal(ids.size, plain.size);
        assert.deepEqual(
          [...ids].map(([, entry]) => entry),
          [...plain.values()],
        );
      }
    }),
  );
});

test('one id of two senders is two', () => {
  const ids = new RememberedIds();
  ids.add('ann', 'id', 1, 5);
  assert.equal(ids.find('bob', 'id'), undefined);
});
