// Another set of tables in force while sessions are open: numbers of one epoch never reach a client of another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import type { DeliveryRecord } from '../../../services/ports/delivery/delivery-stream.ts';
import { ADDRESS, EPOCH, type Frame, type HandClient, type HandNode, settle, startHandNode } from './hand-driven.ts';

const CONVERSATION = directConversationId('alice', 'bob');
const NEXT = EPOCH + 1;
/** `behind` is spread over four seconds, and sent by sweeps. */
const TOLD_MS = 6_000;

/** An entry for alice. */
async function deliver(hand: HandNode, epoch: number | null, inboxSeq: number): Promise<void> {
  const common = { conversationId: CONVERSATION, seq: inboxSeq } as const;
  const event = encodeTimelineEvent({
    ...common,
    type: 'MessageSent',
    ordinal: inboxSeq,
    sender: 'bob',
    commandId: '01a1fd54-47a5-730f-a76a-3672dccb8208',
    time: 1_800_000_000_000,
    position: 0,
    contentType: 'text/plain',
    keyId: null,
    payload: new Uint8Array(3),
  });
  const recipients = [{ user: 'alice', inboxSeq }];
  const record: DeliveryRecord = { type: 'entry', epoch, ...common, kind: 'MessageSent', event, recipients };
  await hand.delivery.publish(ADDRESS, [record]);
  await settle();
}

const sync = (epoch: number, inboxSeq = 0) => ({ id: 5, type: 'sync', cursor: { epoch, inboxSeq } });

const types = (frames: readonly Frame[]) => frames.map(({ type }) => type);
const pushed = (client: HandClient) => client.socket.take().flatMap(({ inboxSeq }) => inboxSeq ?? []);

test('a client of the old epoch is pushed nothing of the new one until it pulls in that one', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await deliver(hand, null, 1);
  assert.deepEqual(pushed(alice), [1]);
  await hand.switchTo(NEXT);
  await deliver(hand, NEXT, 2);
  assert.deepEqual(alice.socket.take(), [], 'the entry after its cursor, by another numbering');
  await hand.runtime.advance(TOLD_MS);
  assert.deepEqual(types(alice.socket.take()), ['behind']);
  const [refused] = await alice.say(sync(EPOCH, 1));
  assert.deepEqual([refused?.code, refused?.epoch], ['epoch_changed', NEXT]);
  await deliver(hand, NEXT, 3);
  assert.deepEqual(alice.socket.take(), [], 'it knows the epoch, but did not say so yet');
  assert.deepEqual(types(await alice.say(sync(NEXT))), ['entries']);
  await deliver(hand, NEXT, 4);
  assert.deepEqual(pushed(alice), [4]);
});

test('a processor that has not switched yet is heard as `behind`, whatever version it is of', async () => {
  const hand = await startHandNode();
  await hand.switchTo(NEXT);
  const alice = await hand.signIn('alice');
  for (const epoch of [null, EPOCH, NEXT + 1]) {
    await deliver(hand, epoch, 9);
    assert.deepEqual(alice.socket.take(), []);
    await hand.runtime.advance(TOLD_MS);
    assert.deepEqual(types(alice.socket.take()), ['behind'], String(epoch));
  }
  const [heartbeat] = await alice.say({ id: 3, type: 'heartbeat' });
  assert.equal(heartbeat?.head, 0, 'the number is not believed');
});

test('a processor that has switched already is heard as `behind`, unless the epoch is the same', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await deliver(hand, NEXT, 1);
  assert.deepEqual(alice.socket.take(), []);
  await hand.runtime.advance(TOLD_MS);
  assert.deepEqual(types(alice.socket.take()), ['behind']);
  await deliver(hand, EPOCH, 1);
  assert.deepEqual(pushed(alice), [1]);
});

test('with another epoch everyone is told `behind`, over some seconds, and no old head is spoken of', async () => {
  const hand = await startHandNode();
  const clients = await Promise.all(['alice', 'bob'].map((user) => hand.signIn(user)));
  await deliver(hand, null, 8);
  for (const client of clients) client.socket.take();
  const next = await hand.switchTo(NEXT);
  next.heads.set('alice', 3);
  const [before] = await clients[0]!.say({ id: 3, type: 'heartbeat' });
  assert.equal(before?.head, 0);
  await hand.runtime.advance(TOLD_MS);
  for (const client of clients) assert.deepEqual(types(client.socket.take()), ['behind']);
  const again = await hand.connect().hello('alice', 'phone');
  assert.deepEqual([again[0]?.epoch, again[0]?.head], [NEXT, 3]);
});

test('with the same epoch everyone pulls once more, and all else goes on', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await deliver(hand, null, 8);
  await hand.switchTo(EPOCH);
  await deliver(hand, EPOCH, 9);
  assert.deepEqual(pushed(alice), [8, 9]);
  const [heartbeat] = await alice.say({ id: 3, type: 'heartbeat' });
  assert.equal(heartbeat?.head, 9);
  // Its row may stand in the new tables only, and its pull before the switch was answered from the old ones.
  await hand.runtime.advance(TOLD_MS);
  assert.deepEqual(types(alice.socket.take()), ['behind']);
  assert.deepEqual(types(await alice.say(sync(EPOCH, 9))), ['entries']);
});

test('a page that was begun on the old tables says so, and the next one is refused', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  let open: () => void = () => {};
  hand.store.gate = new Promise((resolve) => {
    open = resolve;
  });
  assert.deepEqual(await alice.say(sync(EPOCH), { ...sync(EPOCH), id: 6 }), []);
  await hand.switchTo(NEXT);
  open();
  await settle();
  const [page, refused] = alice.socket.take();
  assert.deepEqual([page?.id, page?.type, page?.epoch], [5, 'entries', EPOCH]);
  assert.deepEqual([refused?.id, refused?.code, refused?.epoch], [6, 'epoch_changed', NEXT]);
});

test('a head that was read from the old tables is in no welcome', async () => {
  const hand = await startHandNode();
  hand.store.heads.set('alice', 50);
  let open: () => void = () => {};
  hand.store.gate = new Promise((resolve) => {
    open = resolve;
  });
  const alice = hand.connect();
  assert.deepEqual(await alice.hello('alice'), []);
  const next = await hand.switchTo(NEXT);
  next.heads.set('alice', 3);
  open();
  await settle();
  const [welcome] = alice.socket.take();
  assert.deepEqual([welcome?.type, welcome?.epoch, welcome?.head], ['welcome', NEXT, 3]);
  await deliver(hand, NEXT, 4);
  assert.deepEqual(pushed(alice), [4]);
});
