import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryWatch } from '../../../services/commands/import/delivery-watch.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

test('the slowest delivery counts from the send, also one from before the fault, and not what was refused', async () => {
  const runtime = new ManualRuntime();
  const watch = new DeliveryWatch(runtime);
  const [before, during, refused] = [{}, {}, {}];
  watch.sent(before);
  watch.sent(refused);
  await runtime.advance(1_000);
  watch.begin();
  watch.sent(during);
  await runtime.advance(2_000);
  watch.delivered(before);
  watch.delivered(before);
  await runtime.advance(500);
  watch.forget(refused);
  watch.delivered(during);
  await runtime.advance(5_000);
  assert.equal(watch.noticed().delivery_s_max, 3);
});

test('a fault is over when everybody is connected and what was sent until then has come', async () => {
  const runtime = new ManualRuntime();
  const watch = new DeliveryWatch(runtime);
  const [client, early, late] = [{}, {}, {}];
  watch.sent(early);
  watch.disconnected(client);
  await runtime.advance(10);
  const until_ms = runtime.monotonic();
  await runtime.advance(10);
  watch.sent(late);
  assert.ok(!watch.isOver(until_ms));
  watch.delivered(early);
  assert.ok(!watch.isOver(until_ms));
  watch.connecting(client);
  watch.connected(client);
  assert.ok(watch.isOver(until_ms));
});

test('of connections that broke it tells how many came back, the most attempts and the longest absence', async () => {
  const runtime = new ManualRuntime();
  const watch = new DeliveryWatch(runtime);
  watch.begin();
  const [quick, slow, gone] = [{}, {}, {}];
  for (const client of [quick, slow, gone]) watch.disconnected(client);
  watch.connecting(quick);
  await runtime.advance(100);
  watch.connected(quick);
  watch.connecting(slow);
  watch.connecting(slow);
  await runtime.advance(400);
  watch.connected(slow);
  watch.closed(gone);
  watch.connecting({});
  const { reconnected, reconnect_attempts_max, reconnect_s_max } = watch.noticed();
  assert.deepEqual(
    { reconnected, reconnect_attempts_max, reconnect_s_max },
    {
      reconnected: 2,
      reconnect_attempts_max: 2,
      reconnect_s_max: 0.5,
    },
  );
  watch.begin();
  assert.equal(watch.noticed().reconnected, 0);
});
