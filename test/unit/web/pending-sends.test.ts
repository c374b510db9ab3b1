import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingSends, type SentLike } from '../../../services/web/pending-sends.ts';
import { GROUP, message } from './events.ts';

const sent = (localId: number, clientMessageId: string | null): SentLike => {
  return { localId, conversationId: GROUP, contentType: undefined, payload: `text ${localId}`, clientMessageId };
};
const states = (pending: PendingSends) => pending.of(GROUP).map(({ sent, state }) => `${sent.localId} ${state}`);

test('a message stays, sequenced, until its own copy arrives', () => {
  const pending = new PendingSends();
  pending.progress(sent(1, null), 'queued', 100);
  pending.progress(sent(1, 'id 7'), 'accepted', 200);
  pending.progress(sent(1, 'id 7'), 'sequenced', 300);
  assert.deepEqual(states(pending), ['1 sequenced']);
  assert.equal(pending.find(1)?.time, 100);
  pending.arrived(message(7));
  assert.deepEqual(states(pending), []);
});

test('an own copy that comes before the outcome is not followed by a ghost', () => {
  const pending = new PendingSends();
  pending.progress(sent(1, 'id 7'), 'accepted', 100);
  pending.arrived(message(7));
  pending.progress(sent(1, 'id 7'), 'sequenced', 200);
  assert.deepEqual(states(pending), []);
});

test('a message that was given up leaves when its copy arrives after all', () => {
  const pending = new PendingSends();
  pending.progress(sent(1, 'id 7'), 'perhaps_not_sent', 100);
  pending.arrived(message(7));
  assert.deepEqual(states(pending), []);
});

test('messages stand in the order of writing, whatever becomes of them', () => {
  const pending = new PendingSends();
  for (const localId of [1, 2, 3]) pending.progress(sent(localId, null), 'queued', 100);
  pending.progress(sent(2, 'id 2'), 'rejected', 200, 'no member');
  pending.progress(sent(1, 'id 1'), 'accepted', 300);
  assert.deepEqual(states(pending), ['1 accepted', '2 rejected', '3 queued']);
  assert.equal(pending.find(2)?.reason, 'no member');
});

test('after a reload what is unsent is queued again; what was refused stays and meets no new message', () => {
  const pending = new PendingSends();
  pending.progress(sent(1, 'id 1'), 'rejected', 100, 'no member');
  pending.progress(sent(2, 'id 2'), 'accepted', 100);
  pending.restart([sent(1, 'id 2')], 500);
  assert.deepEqual(states(pending), ['-1 rejected', '1 queued']);
  pending.remove(-1);
  assert.deepEqual(states(pending), ['1 queued']);
});
