import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChatItem, chatItems } from '../../../services/web/chat-items.ts';
import type { PendingSend } from '../../../services/web/pending-sends.ts';
import { GROUP, membership, message } from './events.ts';

const noon = new Date(2024, 5, 3, 12).getTime();
const minutes = (count: number) => noon + count * 60_000;
const shapes = (items: readonly ChatItem[]) =>
  items.map((item) => {
    if (item.type !== 'bubble') return item.type;
    return `${item.sender}${item.isFirstOfGroup ? ' first' : ''}${item.isLastOfGroup ? ' last' : ''}`;
  });
const unsent = (localId: number, time: number): PendingSend => ({
  sent: { localId, conversationId: GROUP, contentType: undefined, payload: 'unsent', clientMessageId: null },
  state: 'queued',
  time,
});

test('messages of one sender that follow each other soon are one group', () => {
  const events = [
    message(1, { time: minutes(0) }),
    message(2, { time: minutes(4) }),
    message(3, { time: minutes(10) }),
    message(4, { time: minutes(11), sender: 'alice' }),
  ];
  const items = chatItems(events, [], 'alice', noon);
  assert.deepEqual(shapes(items), ['day', 'bob first', 'bob last', 'bob first last', 'alice first last']);
});

test('a membership event ends a group, and a new day begins with its name', () => {
  const events = [
    message(1, { time: minutes(0) }),
    membership(2, { kind: 'added', members: ['carol'] }, { time: minutes(1) }),
    message(3, { time: minutes(2) }),
    message(4, { time: minutes(24 * 60) }),
  ];
  const items = chatItems(events, [], 'alice', minutes(24 * 60));
  assert.deepEqual(shapes(items), ['day', 'bob first last', 'line', 'bob first last', 'day', 'bob first last']);
  assert.deepEqual(
    items.flatMap((item) => (item.type === 'day' ? item.text : [])),
    ['Yesterday', 'Today'],
  );
});

test('what is not sent yet stands below everything, even if this clock is behind', () => {
  const events = [message(1, { time: minutes(5), sender: 'alice' })];
  const items = chatItems(events, [unsent(1, minutes(-3_000))], 'alice', noon);
  assert.deepEqual(shapes(items), ['day', 'alice first', 'alice last']);
  assert.deepEqual(
    items.flatMap((item) => (item.type === 'bubble' ? item.state : [])),
    ['sequenced', 'queued'],
  );
});

test('the mark of what is new stands before the first unread message of someone else', () => {
  const events = [1, 2, 3].map((seq) => message(seq, { time: minutes(seq), sender: seq === 2 ? 'alice' : 'bob' }));
  const items = chatItems(events, [], 'alice', noon, 1);
  assert.deepEqual(shapes(items), ['day', 'bob first last', 'alice first last', 'unread', 'bob first last']);
});

test('there is no such mark while what was read is not loaded', () => {
  const events = [message(8, { time: minutes(1) }), message(9, { time: minutes(2) })];
  assert.deepEqual(shapes(chatItems(events, [], 'alice', noon, 3)), ['day', 'bob first', 'bob last']);
});

test('a content type that cannot be shown is named', () => {
  const items = chatItems([message(1, { contentType: 'image/png', payload: 'AAAA' })], [], 'alice', noon);
  const bubble = items.find((item) => item.type === 'bubble');
  assert.equal(bubble?.text, 'Unsupported (image/png)');
  assert.equal(bubble?.isUnsupported, true);
});

test('no two items have one key', () => {
  const events = Array.from({ length: 50 }, (_, index) => message(index + 1, { time: minutes(index * 300) }));
  const items = chatItems(events, [unsent(1, noon), unsent(2, noon)], 'alice', noon, 10);
  assert.equal(new Set(items.map(({ key }) => key)).size, items.length);
});
