import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PER_ADDRESS, PER_USER, RateLimit } from '../../../services/api/rate-limit.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

function takeAll(limit: RateLimit, address: string): number {
  let taken = 0;
  while (limit.take(address)) taken++;
  return taken;
}

test('an address may sign in in a burst, then at a rate', async () => {
  const runtime = new ManualRuntime();
  const limit = new RateLimit(runtime, PER_ADDRESS);
  assert.equal(takeAll(limit, 'a'), 60);
  await runtime.advance(1_000);
  assert.equal(takeAll(limit, 'a'), 2);
});

test('one address does not use up another’s share', () => {
  const limit = new RateLimit(new ManualRuntime(), PER_ADDRESS);
  takeAll(limit, 'a');
  assert.equal(limit.take('b'), true);
});

test('an address that keeps asking is not forgotten before those that are quiet', () => {
  const limit = new RateLimit(new ManualRuntime(), PER_ADDRESS);
  takeAll(limit, 'guesser');
  for (let i = 0; i < 25_000; i++) {
    limit.take(`address ${i}`);
    if (i % 100 === 0) assert.equal(limit.take('guesser'), false);
  }
});

test('a user’s password is tried 10 times, then once in 5 s, until it is right', async () => {
  const runtime = new ManualRuntime();
  const limit = new RateLimit(runtime, PER_USER);
  assert.equal(takeAll(limit, 'alice'), 10);
  await runtime.advance(4_900);
  assert.equal(limit.take('alice'), false);
  await runtime.advance(200);
  assert.equal(takeAll(limit, 'alice'), 1);
  limit.forgive('alice');
  assert.equal(takeAll(limit, 'alice'), 10);
});
