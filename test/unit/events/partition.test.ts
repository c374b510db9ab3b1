import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOf } from '../../../services/events/partition.ts';

test('murmur2 gives the hashes that Kafka’s own tests state', () => {
  const vectors: Record<string, number> = {
    '21': -973932308,
    foobar: -790332482,
    'a-little-bit-long-string': -985981536,
    'a-little-bit-longer-string': -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(vectors)) assert.equal(murmur2(new TextEncoder().encode(text)), hash, text);
});

test('a key’s partition is its hash without the sign bit, modulo the count, whatever the key’s length', () => {
  for (const key of ['', 'a', 'ü', '💬💬', 'x'.repeat(5000), 'é'.repeat(700)]) {
    const expected = (murmur2(new TextEncoder().encode(key)) & 0x7fffffff) % 16;
    assert.equal(partitionOf(key, 16), expected, key.slice(0, 10));
  }
});
