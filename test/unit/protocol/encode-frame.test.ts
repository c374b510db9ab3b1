// Frames of the server as clients read them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageSent } from '../../../services/events/timeline-events.ts';
import { refusal } from '../../../services/kernel/errors.ts';
import {
  encodeAccepted,
  encodeError,
  encodeHeartbeat,
  encodeOutcome,
  SharedPush,
} from '../../../services/protocol/encode-frame.ts';
import { eventBodyOf } from '../../../services/protocol/event-body.ts';

const event: MessageSent = {
  type: 'MessageSent',
  conversationId: 'd:5:alice3:bob',
  seq: 3,
  ordinal: 2,
  sender: 'alice',
  commandId: '01a1fd54-47a5-730f-a76a-3672dccb8208',
  time: 1_800_000_000_000,
  position: 99,
  contentType: 'text/plain',
  keyId: null,
  payload: new TextEncoder().encode('"quoted"\n\u0000 \u{1f600}\u{feff}'),
};

test('one encoded event makes the frame of every recipient, whatever the length of its number', () => {
  const push = new SharedPush(event);
  for (const inboxSeq of [1, 9, 10, 123_456_789, Number.MAX_SAFE_INTEGER, 0, 2 ** 31, 2 ** 32, 7]) {
    const text = new TextDecoder().decode(push.frameFor(inboxSeq));
    assert.deepEqual(JSON.parse(text), { type: 'push', inboxSeq, event: eventBodyOf(event) });
    assert.equal(text, JSON.stringify({ type: 'push', inboxSeq, event: eventBodyOf(event) }));
  }
});

test('replies written by hand are what JSON would be', () => {
  assert.deepEqual(JSON.parse(encodeAccepted(2 ** 53 - 1)), { id: 2 ** 53 - 1, type: 'accepted' });
  assert.deepEqual(JSON.parse(encodeHeartbeat(1, 2, 3)), { id: 1, type: 'heartbeat', serverTime: 2, head: 3 });
});

test('an error says code, text and whether to retry, and what is expected instead', () => {
  const error = JSON.parse(encodeError(null, refusal('invalid_field', 'payload'))) as Record<string, unknown>;
  assert.deepEqual([error.id, error.type, error.code, error.retry], [null, 'error', 'invalid_field', false]);
  assert.match(error.message as string, /^payload: /);
  assert.equal(JSON.parse(encodeError(1, refusal('out_of_turn'), { number: 4 })).number, 4);
});

test('an outcome that no send has makes no frame', () => {
  assert.equal(encodeOutcome('d:1:a1:b', 'x', { result: 'unchanged' }), null);
});
