// From hello to the end of a connection.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../services/kernel/limits.ts';
import { EPOCH, sendRequest, settle, startHandNode, TOKEN_LIFETIME_MS } from './hand-driven.ts';

test('a hello is answered with the exact head, and the limits', async () => {
  const { store, runtime, connect } = await startHandNode();
  store.heads.set('alice', 300);
  const [welcome] = await connect().hello('alice');
  assert.deepEqual(welcome, {
    id: 1,
    type: 'welcome',
    user: 'alice',
    serverTime: runtime.now(),
    heartbeat_ms: limits.heartbeat_ms,
    epoch: EPOCH,
    head: 300,
    limits: {
      frame_bytes_max: limits.frame_bytes_max,
      payload_bytes_max: limits.payload_bytes_max,
      frames_per_second: limits.frames_per_second,
      page_entries_max: limits.page_entries_max,
    },
  });
});

test('a user is registered before the head of the inbox is read', async () => {
  const { registry, store, connect } = await startHandNode();
  let open = () => {};
  registry.gate = new Promise((resolve) => {
    open = resolve;
  });
  let readWhileRegistered: boolean | undefined;
  store.onRead = (user) => {
    readWhileRegistered ??= registry.registered.has(user);
  };
  const client = connect();
  assert.deepEqual(await client.hello('alice'), []);
  assert.equal(readWhileRegistered, undefined);
  open();
  await settle();
  assert.equal(readWhileRegistered, true);
  assert.equal(client.socket.take()[0]?.type, 'welcome');
});

test('requests that do not wait for the welcome are served in order after it, a bounded number of them', async () => {
  const { connect } = await startHandNode();
  const client = connect();
  const heartbeats = Array.from({ length: 18 }, (_, index) => ({ id: 10 + index, type: 'heartbeat' }));
  const frames = await client.say({ id: 1, type: 'hello', token: 'alice', device: 'a' }, ...heartbeats);
  const refused = frames.filter(({ code }) => code === 'too_many_requests').map(({ id }) => id);
  assert.deepEqual(refused, [26, 27]);
  const served = frames.filter(({ type }) => type !== 'error').map(({ id }) => id);
  assert.deepEqual(served, [1, ...heartbeats.slice(0, 16).map(({ id }) => id)]);
});

test('anything before hello ends the connection', async () => {
  const { connect } = await startHandNode();
  const client = connect();
  const [error] = await client.say({ id: 5, type: 'heartbeat' });
  assert.deepEqual([error?.id, error?.code], [5, 'hello_expected']);
  assert.deepEqual(client.socket.closes, [{ code: 4510, reason: 'hello_expected' }]);
});

test('anything else before hello ends the connection, also with wrong fields', async () => {
  const { connect } = await startHandNode();
  const early = [
    { id: 5, type: 'sync', cursor: 7 },
    { id: 5, type: 'subscribe' },
    { ...sendRequest(5), id: 5, payload: 5 },
  ];
  for (const frame of early) {
    const client = connect();
    const [error] = await client.say(frame);
    assert.deepEqual([error?.id, error?.code, client.closedWith], [5, 'hello_expected', 'hello_expected']);
  }
  const client = connect();
  const [error] = await client.say({});
  assert.deepEqual([error?.id, error?.code, client.closedWith], [null, 'hello_expected', 'hello_expected']);
});

test('what is no frame is told as that, before hello too', async () => {
  const { connect } = await startHandNode();
  for (const frame of ['{', '[]', '{"id":1}']) {
    const client = connect();
    assert.equal((await client.say(frame))[0]?.code, 'bad_frame');
    assert.equal(client.closedWith, 'bad_frame');
  }
});

test('a hello with a wrong field is refused, and can be said again', async () => {
  const { connect } = await startHandNode();
  const client = connect();
  const frames = await client.say(
    { id: 1, type: 'hello', token: 'alice', device: '' },
    { id: 'x', type: 'hello', token: 'alice', device: 'a' },
  );
  assert.deepEqual(
    frames.map(({ id, code }) => [id, code]),
    [
      [1, 'invalid_field'],
      [null, 'invalid_field'],
    ],
  );
  assert.equal(client.closedWith, undefined);
  assert.equal((await client.hello('alice'))[0]?.type, 'welcome');
});

test('no hello in time ends the connection, and frames that are none do not stop the clock', async () => {
  const { runtime, connect } = await startHandNode();
  const client = connect();
  await runtime.advance(4_000);
  await client.say({ id: 1, type: 'hello', device: 'a' });
  assert.equal(client.closedWith, undefined);
  await runtime.advance(3_000);
  assert.equal(client.closedWith, 'hello_timeout');
});

test('a token that is not ours ends the connection', async () => {
  const { registry, connect } = await startHandNode();
  const client = connect();
  const [error] = await client.hello('bad');
  assert.equal(error?.code, 'unauthenticated');
  assert.equal(client.closedWith, 'unauthenticated');
  assert.deepEqual(registry.calls, []);
});

test('a hello whose token cannot be judged now is refused with what came early, and can be said again', async () => {
  const { runtime, connect } = await startHandNode();
  const client = connect();
  const frames = await client.say({ id: 1, type: 'hello', token: 'later', device: 'a' }, { id: 2, type: 'heartbeat' });
  assert.deepEqual(
    frames.map(({ id, code }) => [id, code]),
    [
      [1, 'store_unavailable'],
      [2, 'store_unavailable'],
    ],
  );
  assert.equal((await client.hello('alice'))[0]?.type, 'welcome');
  const silent = connect();
  await silent.hello('later');
  await runtime.advance(limits.hello_within_ms + 2_000);
  assert.equal(silent.closedWith, 'hello_timeout');
});

test('a second hello is refused and changes nothing', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  assert.equal((await alice.hello('mallory'))[0]?.code, 'hello_repeated');
  assert.equal(alice.closedWith, undefined);
});

test('the same device again replaces the older session, without a moment unregistered', async () => {
  const { registry, signIn } = await startHandNode();
  const first = await signIn('alice', 'phone');
  const tablet = await signIn('alice', 'tablet');
  const second = await signIn('alice', 'phone');
  assert.equal(first.closedWith, 'session_replaced');
  assert.equal(tablet.closedWith, undefined);
  assert.equal(second.closedWith, undefined);
  assert.deepEqual(registry.calls, ['register alice']);
});

test('a user has a bounded number of devices on a node', async () => {
  const { signIn, connect } = await startHandNode();
  for (let n = 0; n < limits.devices_per_user_max; n++) await signIn('alice', `device-${n}`);
  const client = connect();
  assert.equal((await client.hello('alice', 'one more'))[0]?.code, 'too_many_devices');
  assert.equal(client.closedWith, 'too_many_devices');
});

test('only the last session of a user unregisters it', async () => {
  const { node, registry, signIn } = await startHandNode();
  const phone = await signIn('alice', 'phone');
  const tablet = await signIn('alice', 'tablet');
  phone.session.onClose();
  await settle();
  assert.deepEqual(registry.calls, ['register alice']);
  tablet.session.onClose();
  await settle();
  assert.deepEqual(registry.calls, ['register alice', 'unregister alice']);
  assert.equal(node.sessionCount, 0);
});

test('a fast close and open ends registered', async () => {
  const { registry, signIn, connect } = await startHandNode();
  const first = await signIn('alice');
  let open = () => {};
  registry.gate = new Promise((resolve) => {
    open = resolve;
  });
  first.session.onClose();
  await settle();
  const second = connect();
  assert.deepEqual(await second.hello('alice'), [], 'no welcome while the unregistration is under way');
  open();
  await settle();
  assert.deepEqual(registry.calls, ['register alice', 'unregister alice', 'register alice']);
  assert.equal(second.socket.take()[0]?.type, 'welcome');
  assert.ok(registry.registered.has('alice'));
});

test('without the store a hello is refused, and can be said again', async () => {
  const { store, registry, connect } = await startHandNode();
  store.failing = true;
  const client = connect();
  const frames = await client.say({ id: 1, type: 'hello', token: 'alice', device: 'a' }, { id: 2, type: 'heartbeat' });
  assert.deepEqual(
    frames.map(({ id, code }) => [id, code]),
    [
      [1, 'store_unavailable'],
      [2, 'store_unavailable'],
    ],
  );
  assert.ok(!registry.registered.has('alice'));
  store.failing = false;
  assert.equal((await client.hello('alice'))[0]?.type, 'welcome');
});

test('expiry is announced once, a minute before, and then ends the session', async () => {
  const { runtime, signIn } = await startHandNode();
  const alice = await signIn('alice');
  const expiresAt = runtime.now() + TOKEN_LIFETIME_MS;
  const beat = async (until: number) => {
    while (runtime.now() < until) {
      await alice.session.onFrame(new TextEncoder().encode('{"id":2,"type":"heartbeat"}'));
      await runtime.advance(Math.min(20_000, until - runtime.now()));
    }
    return alice.socket.take().filter(({ type }) => type !== 'heartbeat');
  };
  assert.deepEqual(await beat(expiresAt - 62_000), []);
  assert.deepEqual(await beat(expiresAt - 1_000), [{ type: 'expiring', expiresAt }]);
  assert.equal(alice.closedWith, undefined);
  await beat(expiresAt + 2_000);
  assert.equal(alice.closedWith, 'token_expired');
});

test('a connection without a frame for twice the heartbeat is given up', async () => {
  const { runtime, signIn } = await startHandNode();
  const alice = await signIn('alice');
  await runtime.advance(2 * limits.heartbeat_ms - 1_000);
  await alice.say({ id: 2, type: 'heartbeat' });
  await runtime.advance(2 * limits.heartbeat_ms - 1_000);
  assert.equal(alice.closedWith, undefined);
  await runtime.advance(3_000);
  assert.equal(alice.closedWith, 'half_open');
});

test('a burst of frames is allowed, then the rate', async () => {
  const { runtime, signIn } = await startHandNode();
  const alice = await signIn('alice');
  const beat = { id: 2, type: 'heartbeat' };
  await runtime.advance(10_000);
  await alice.say(...Array.from({ length: limits.frames_burst }, () => beat));
  await runtime.advance(1_000);
  await alice.say(...Array.from({ length: limits.frames_per_second }, () => beat));
  assert.equal(alice.closedWith, undefined);
  await alice.say(beat);
  assert.equal(alice.closedWith, 'too_many_frames');
});

test('a frame of another encoding ends the connection', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  alice.session.onBinaryFrame();
  assert.equal(alice.closedWith, 'bad_frame');
});

test('a drain waits for the log, then sends everyone elsewhere and unregisters the node', async () => {
  const { node, runtime, log, registry, delivery, signIn, connect } = await startHandNode();
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  await alice.send(1);
  const drained = node.drain();
  await settle();
  assert.equal(node.ready(), false);
  assert.equal(connect().closedWith, 'draining', 'a new connection goes elsewhere at once');
  assert.equal(alice.closedWith, undefined);
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(alice.socket.take(), [{ id: 1001, type: 'accepted' }]);
  await runtime.advance(2_000);
  await drained;
  assert.deepEqual([alice.closedWith, bob.closedWith], ['draining', 'draining']);
  assert.equal(registry.calls.at(-1), 'remove edge-1/run-1');
  assert.equal(await delivery.publish({ node: 'edge-1', incarnation: 'run-1' }, []), 'gone');
});

test('a drain does not wait for a log that hangs', async () => {
  const { node, runtime, signIn } = await startHandNode();
  const alice = await signIn('alice');
  await alice.send(1);
  const drained = node.drain();
  await runtime.advance(7_000);
  await drained;
  assert.equal(alice.closedWith, 'draining');
});
