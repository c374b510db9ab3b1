import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConversationBook } from '../../../services/web/conversation-book.ts';
import { mergePositions, parsePositions, unreadOf, withRead } from '../../../services/web/unread.ts';
import { GROUP, membership, message } from './events.ts';

test('unread counts messages, not membership events', () => {
  const book = new ConversationBook('alice');
  book.addEntry(membership(1, { kind: 'created', title: 'Hike', members: ['alice'] }));
  book.addEntry(message(2, { ordinal: 1 }));
  book.addEntry(membership(3, { kind: 'added', members: ['carol'] }, { ordinal: 1 }));
  book.addEntry(message(4, { ordinal: 2 }));
  assert.equal(unreadOf(book.get(GROUP)!, {}), 2);
  assert.equal(unreadOf(book.get(GROUP)!, { [GROUP]: 1 }), 1);
});

test('whoever writes has read what was before', () => {
  const book = new ConversationBook('alice');
  book.addEntry(message(1));
  book.addEntry(message(2, { sender: 'alice' }));
  assert.equal(unreadOf(book.get(GROUP)!, {}), 0);
  book.addEntry(message(3));
  assert.equal(unreadOf(book.get(GROUP)!, {}), 1);
});

test('a position never goes back', () => {
  const positions = withRead({}, GROUP, 5);
  assert.equal(withRead(positions, GROUP, 4), positions);
  assert.deepEqual(mergePositions({ a: 3, b: 1 }, { a: 2, b: 4, c: 1 }), { a: 3, b: 4, c: 1 });
});

test('a storage that holds anything else counts as nothing read', () => {
  for (const text of [null, '', '{', 'null', '[]', '3', '{"a":"1"}', '{"a":1.5}']) {
    assert.deepEqual(parsePositions(text), {});
  }
  assert.deepEqual(parsePositions('{"a":1}'), { a: 1 });
});
