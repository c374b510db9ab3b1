// What comes over the delivery stream, and what is done when some of it may have been missed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import type { DeliveryRecord } from '../../../services/ports/delivery/delivery-stream.ts';
import { MemoryDeliveryStream } from '../../../services/ports/delivery/embedded/memory-delivery-stream.ts';
import { ADDRESS, EPOCH, type Frame, type HandNode, settle, startHandNode } from './hand-driven.ts';

const CONVERSATION = directConversationId('alice', 'bob');

function entry(seq: number, inboxSeqs: Record<string, number>, payload = `message ${seq}`): DeliveryRecord {
  return {
    type: 'entry',
    epoch: null,
    conversationId: CONVERSATION,
    seq,
    kind: 'MessageSent',
    event: encodeTimelineEvent({
      type: 'MessageSent',
      conversationId: CONVERSATION,
      seq,
      ordinal: seq,
      sender: 'bob',
      commandId: '01a1fd54-47a5-730f-a76a-3672dccb8208',
      time: 1_800_000_000_000,
      position: 0,
      contentType: 'text/plain',
      keyId: null,
      payload: new TextEncoder().encode(payload),
    }),
    recipients: Object.entries(inboxSeqs).map(([user, inboxSeq]) => ({ user, inboxSeq })),
  };
}

async function deliver({ delivery }: HandNode, ...records: DeliveryRecord[]): Promise<void> {
  await delivery.publish(ADDRESS, records);
  await settle();
}

test('an entry is pushed to every session of its recipients, each with its own number', async () => {
  const hand = await startHandNode();
  const phone = await hand.signIn('alice', 'phone');
  const tablet = await hand.signIn('alice', 'tablet');
  const bob = await hand.signIn('bob');
  const carol = await hand.signIn('carol');
  await deliver(hand, entry(1, { alice: 10, bob: 2_345_678_901, nobody: 5 }, 'hällo "x" \u{1f600}'));
  const [push] = phone.socket.take();
  assert.deepEqual(push, {
    type: 'push',
    inboxSeq: 10,
    event: {
      conversationId: CONVERSATION,
      seq: 1,
      ordinal: 1,
      sender: 'bob',
      clientMessageId: '01a1fd54-47a5-730f-a76a-3672dccb8208',
      time: 1_800_000_000_000,
      kind: 'message',
      contentType: 'text/plain',
      payload: 'hällo "x" \u{1f600}',
    },
  });
  assert.deepEqual(tablet.socket.take(), [push]);
  assert.deepEqual(bob.socket.take(), [{ ...push, inboxSeq: 2_345_678_901 }]);
  assert.deepEqual(carol.socket.take(), []);
  assert.equal(hand.metrics.get('edge_delivered'), 3);
});

test('frames of one tick go to a socket in one write, in order', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  alice.socket.writes.length = 0;
  await deliver(hand, entry(1, { alice: 1 }), entry(2, { alice: 2 }), entry(3, { alice: 3 }));
  assert.deepEqual(
    alice.socket.take().map(({ inboxSeq }) => inboxSeq),
    [1, 2, 3],
  );
  assert.deepEqual(alice.socket.writes, [3]);
});

test('an entry that comes before the welcome is in the head that the welcome names', async () => {
  const hand = await startHandNode();
  let open = () => {};
  hand.registry.gate = new Promise((resolve) => {
    open = resolve;
  });
  const client = hand.connect();
  await client.hello('alice');
  await deliver(hand, entry(1, { alice: 8 }));
  assert.deepEqual(client.socket.take(), []);
  open();
  await settle();
  assert.deepEqual(
    client.socket.take().map(({ type, head }) => [type, head]),
    [['welcome', 8]],
  );
});

test('a heartbeat is answered with the greatest number this node knows of', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await deliver(hand, entry(1, { alice: 4 }));
  const frames = await alice.say({ id: 3, type: 'heartbeat' });
  assert.deepEqual(frames.at(-1), { id: 3, type: 'heartbeat', serverTime: hand.runtime.now(), head: 4 });
});

test('an outcome goes to the session that sent, and to no other', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice', 'phone');
  const other = await hand.signIn('alice', 'tablet');
  const commandId = '01a1fd54-47a5-730f-a76a-3672dccb8208';
  const common = {
    type: 'outcome',
    session: alice.session.number,
    request: 1,
    conversationId: CONVERSATION,
    commandId,
  };
  const outcomes = [
    { result: 'sequenced', seq: 5, time: 6, repeat: false },
    { result: 'rejected', code: 'not_a_member' },
    { result: 'unchanged' },
  ];
  await deliver(hand, ...outcomes.map((outcome) => ({ ...common, outcome }) as DeliveryRecord));
  const [sequenced, rejected, ...more] = alice.socket.take();
  assert.deepEqual(sequenced, {
    type: 'outcome',
    conversationId: CONVERSATION,
    clientMessageId: commandId,
    result: 'sequenced',
    seq: 5,
    time: 6,
    repeat: false,
  });
  assert.deepEqual([rejected?.result, rejected?.code], ['rejected', 'not_a_member']);
  assert.deepEqual([more, other.socket.take()], [[], []]);
});

test('after a dropped push there are no more until the socket is writable, then it is told behind', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  alice.socket.full = true;
  await deliver(hand, entry(1, { alice: 1 }), entry(2, { alice: 2 }));
  alice.socket.full = false;
  await deliver(hand, entry(3, { alice: 3 }));
  assert.deepEqual(alice.socket.take(), []);
  alice.session.onWritable();
  await settle();
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
  await deliver(hand, entry(4, { alice: 4 }));
  assert.equal(alice.socket.take()[0]?.inboxSeq, 4);
});

test('a dropped reply is kept until the socket is writable', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  alice.socket.full = true;
  await alice.say({ id: 2, type: 'heartbeat' }, { id: 3, type: 'heartbeat' });
  await deliver(hand, entry(1, { alice: 1 }));
  await alice.say({ id: 4, type: 'heartbeat' });
  alice.socket.full = false;
  alice.session.onWritable();
  await settle();
  assert.deepEqual(
    alice.socket.take().map(({ id, type }) => id ?? type),
    [2, 3, 4, 'behind'],
  );
});

test('a client that asks on and on without reading is ended', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  alice.socket.full = true;
  for (let n = 0; n < 300; n++) {
    await hand.runtime.advance(20);
    await alice.say({ id: n, type: 'heartbeat' });
  }
  assert.equal(alice.closedWith, 'too_many_frames');
});

test('an event that cannot be read is no reason to end: its recipients are told behind', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await deliver(hand, { ...entry(1, { alice: 1 }), event: new Uint8Array([9, 9, 9]) } as DeliveryRecord);
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
});

test('a gap of the stream registers everyone again and tells them behind, spread over seconds', async () => {
  const hand = await startHandNode(new MemoryDeliveryStream(2));
  const alice = await hand.signIn('alice');
  await deliver(hand, entry(1, { alice: 1 }), entry(2, { alice: 2 }), entry(3, { alice: 3 }));
  assert.deepEqual(
    alice.socket.take().map(({ inboxSeq }) => inboxSeq),
    [2, 3],
  );
  assert.deepEqual(hand.registry.calls, ['register alice', 'register alice']);
  await hand.runtime.advance(5_000);
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
});

test('a stream that cannot be opened anew is tried again', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  const open = hand.delivery.open;
  hand.delivery.open = () => Promise.reject(new Error('by hand'));
  await hand.registry.removeNode(ADDRESS);
  await hand.runtime.advance(7_000);
  assert.equal(hand.node.ready(), false);
  hand.delivery.open = open;
  await hand.runtime.advance(11_000);
  assert.equal(hand.node.ready(), true);
  assert.ok(hand.registry.registered.has('alice'));
  assert.deepEqual(new Set(alice.socket.take().map(({ type }) => type)), new Set(['behind']));
});

test('behind is passed on to all sessions of its users', async () => {
  const hand = await startHandNode();
  const [alice, bob] = [await hand.signIn('alice'), await hand.signIn('bob')];
  await deliver(hand, { type: 'behind', users: ['alice', 'nobody'] });
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
  assert.deepEqual(bob.socket.take(), []);
});

test('a registry that was emptied gets everyone again, and everyone is told behind after that', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  hand.registry.registered.clear();
  hand.registry.currentEpoch = 'second';
  await hand.runtime.advance(6_000);
  assert.ok(hand.registry.registered.has('alice'));
  await hand.runtime.advance(5_000);
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
});

test('registrations that vanished are noticed, and the stream is opened anew', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  // As a processor does that finds no such stream.
  await hand.delivery.close();
  await hand.registry.removeNode(ADDRESS);
  await hand.runtime.advance(11_000);
  assert.ok(hand.registry.registered.has('alice'));
  assert.deepEqual(alice.socket.take(), [{ type: 'behind' }]);
  await deliver(hand, entry(1, { alice: 1 }));
  assert.equal(alice.socket.take()[0]?.type, 'push');
});

test('without the registry sessions are welcomed, and told behind when they are registered at last', async () => {
  const hand = await startHandNode();
  hand.registry.failing = true;
  const client = hand.connect();
  const [welcome] = await client.hello('alice');
  assert.equal(welcome?.type, 'welcome');
  hand.registry.failing = false;
  await hand.runtime.advance(12_000);
  assert.ok(hand.registry.registered.has('alice'));
  assert.deepEqual(new Set(client.socket.take().map(({ type }) => type)), new Set(['behind']));
});

test('a registry that does not answer holds a hello up for two seconds at most', async () => {
  const hand = await startHandNode();
  hand.registry.gate = new Promise(() => {});
  const client = hand.connect();
  assert.deepEqual(await client.hello('alice'), []);
  await hand.runtime.advance(2_000);
  assert.equal(client.socket.take()[0]?.type, 'welcome');
});

test('the exact head is read again now and then, and what was missed is told', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  hand.store.heads.set('alice', 3);
  const frames: Frame[] = [];
  for (let half_minute = 0; half_minute < 24; half_minute++) {
    frames.push(...(await alice.say({ id: 2, type: 'heartbeat' })));
    await hand.runtime.advance(30_000);
  }
  assert.deepEqual(
    frames.filter(({ type }) => type !== 'heartbeat'),
    [{ type: 'behind' }],
  );
});

test('a pull in another epoch is told the epoch in force', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  const [error] = await alice.say({ id: 2, type: 'sync', cursor: { epoch: EPOCH - 1, inboxSeq: 4 } });
  assert.deepEqual([error?.id, error?.code, error?.epoch], [2, 'epoch_changed', EPOCH]);
});

test('pulls of a session are served one after the other, a bounded number of them waiting', async () => {
  const { store, signIn } = await startHandNode();
  const alice = await signIn('alice');
  let reads = 0;
  store.onRead = () => reads++;
  const pulls = Array.from({ length: 10 }, (_, id) => ({ id, type: 'sync', cursor: { epoch: EPOCH, inboxSeq: 0 } }));
  const frames = await alice.say(...pulls);
  assert.deepEqual(
    frames.filter(({ type }) => type === 'entries').map(({ id }) => id),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.deepEqual(
    frames.filter(({ code }) => code === 'too_many_requests').map(({ id }) => id),
    [9],
  );
});

test('without the store a pull is refused and can be repeated', async () => {
  const { store, signIn } = await startHandNode();
  const alice = await signIn('alice');
  store.failing = true;
  const [error] = await alice.say({ id: 2, type: 'sync', cursor: { epoch: EPOCH, inboxSeq: 0 } });
  assert.deepEqual([error?.code, error?.retry, alice.closedWith], ['store_unavailable', true, undefined]);
});

test('heads are read again fast enough for 20,000 users in ten minutes', async () => {
  const hand = await startHandNode();
  // All due at once. 20,000 in 600 s are 33 a second; these are 40, looked at in five sweeps.
  const clients = [];
  for (let i = 0; i < 40; i++) clients.push(await hand.signIn(`user ${i}`));
  for (let i = 0; i < 24; i++) {
    await hand.runtime.advance(i === 0 ? 24_500 : 25_000);
    for (const client of clients) await client.say({ id: 2, type: 'heartbeat' });
  }
  const checked = new Set<string>();
  hand.store.onRead = (user) => checked.add(user);
  await hand.runtime.advance(400);
  assert.equal(checked.size, 0);
  await hand.runtime.advance(100 + 1_250);
  assert.equal(checked.size, 40);
});
