// What an edge counts and measures, and that it counts what happened rather than what was meant to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import type { Stage } from '../../../services/kernel/metrics.ts';
import type { DeliveryRecord } from '../../../services/ports/delivery/delivery-stream.ts';
import { ADDRESS, type HandNode, sendRequest, settle, startHandNode } from './hand-driven.ts';

const CONVERSATION = directConversationId('alice', 'bob');

async function deliver(hand: HandNode, seq: number, time: number, ...users: string[]): Promise<void> {
  const event = {
    type: 'MessageSent',
    conversationId: CONVERSATION,
    seq,
    ordinal: seq,
    sender: 'bob',
    commandId: '01a1fd54-47a5-730f-a76a-3672dccb8208',
    time,
    position: seq,
    contentType: 'text/plain',
    keyId: null,
    payload: new Uint8Array(3),
  } as const;
  const record: DeliveryRecord = {
    type: 'entry',
    epoch: null,
    conversationId: CONVERSATION,
    seq,
    kind: 'MessageSent',
    event: encodeTimelineEvent(event),
    recipients: users.map((user) => ({ user, inboxSeq: seq })),
  };
  await hand.delivery.publish(ADDRESS, [record]);
  await settle();
}

const observed = ({ metrics }: HandNode, stage: Stage) => {
  const { counts, sum_ms } = metrics.latency(stage);
  return { count: counts.reduce((a, b) => a + b, 0), sum_ms };
};

test('pushes are counted when they are written, one for each socket, with their age', async () => {
  const hand = await startHandNode();
  await hand.signIn('alice', 'phone');
  await hand.signIn('alice', 'tablet');
  await hand.signIn('bob');
  await deliver(hand, 1, hand.runtime.now() - 40, 'alice', 'bob', 'nobody');
  assert.equal(hand.metrics.get('edge_delivered'), 3);
  assert.deepEqual(observed(hand, 'socket'), { count: 3, sum_ms: 120 });
  await deliver(hand, 2, hand.runtime.now() + 5_000, 'bob');
  assert.deepEqual(observed(hand, 'socket'), { count: 4, sum_ms: 120 });
});

test('a push that a full socket drops is not delivered; `behind` is counted when it is written', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  alice.socket.full = true;
  await deliver(hand, 1, hand.runtime.now(), 'alice');
  await deliver(hand, 2, hand.runtime.now(), 'alice');
  assert.deepEqual([hand.metrics.get('edge_delivered'), hand.metrics.get('edge_behind')], [0, 0]);
  alice.socket.full = false;
  alice.session.onWritable();
  await settle();
  assert.deepEqual([hand.metrics.get('edge_delivered'), hand.metrics.get('edge_behind')], [0, 1]);
  await hand.delivery.publish(ADDRESS, [{ type: 'behind', users: ['alice'] }]);
  await settle();
  assert.equal(hand.metrics.get('edge_behind'), 2);
});

test('sends are accepted when the log has them, and how long that took is measured', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await alice.say(sendRequest(1));
  await hand.runtime.advance(10);
  await alice.say(sendRequest(2));
  assert.equal(hand.metrics.get('accepted'), 0);
  await hand.runtime.advance(20);
  hand.log.appends[0]!.succeed();
  await settle();
  await hand.runtime.advance(5);
  hand.log.appends[1]!.succeed();
  await settle();
  assert.equal(hand.metrics.get('accepted'), 2);
  // 30 ms, and 20 in the queue + 5.
  assert.deepEqual(observed(hand, 'append'), { count: 2, sum_ms: 55 });
});

test('sockets are counted while they are open, with or without a hello', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  hand.connect();
  assert.equal(hand.metrics.get('edge_sessions'), 2);
  alice.session.onClose();
  assert.equal(hand.metrics.get('edge_sessions'), 1);
});

test('a canary goes to the prober of this edge and to no session', async () => {
  const hand = await startHandNode();
  const alice = await hand.signIn('alice');
  await hand.delivery.publish(ADDRESS, [{ type: 'canary', canaryId: 'x', sourcePartition: 1, inboxPartition: 2 }]);
  await settle();
  assert.deepEqual(hand.canaries, [{ type: 'canary', canaryId: 'x', sourcePartition: 1, inboxPartition: 2 }]);
  assert.deepEqual(alice.socket.take(), []);
});
