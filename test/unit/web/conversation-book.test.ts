import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directConversationId } from '../../../services/events/ids.ts';
import { ConversationBook } from '../../../services/web/conversation-book.ts';
import { GROUP, membership, message } from './events.ts';

const DIRECT = directConversationId('alice', 'bob');
const created = membership(1, { kind: 'created', title: 'Hike', members: ['alice', 'bob'] });

test('the conversation with the newest event comes first', () => {
  const book = new ConversationBook('alice');
  book.addEntry(created);
  book.addEntry(message(1, { conversationId: DIRECT, time: 5_000 }));
  assert.deepEqual(
    book.list().map(({ title }) => title),
    ['bob', 'Hike'],
  );
  book.addEntry(message(2, { time: 6_000 }));
  assert.deepEqual(
    book.list().map(({ title }) => title),
    ['Hike', 'bob'],
  );
});

test('a list that was read before the newest entry does not turn the conversation back', () => {
  const book = new ConversationBook('alice');
  book.addEntry(created);
  book.addEntry(message(2, { ordinal: 1 }));
  book.addEntry(message(3, { ordinal: 2, time: 9_000 }));
  book.addSummary({
    conversationId: GROUP,
    title: 'Hike',
    seq: 2,
    ordinal: 1,
    time: 1_002,
    role: 'member',
    leftSeq: null,
  });
  const { seq, ordinal, time } = book.get(GROUP)!;
  assert.deepEqual({ seq, ordinal, time }, { seq: 3, ordinal: 2, time: 9_000 });
});

test('a list that knows more than the entries is believed', () => {
  const book = new ConversationBook('alice');
  book.addEntry(created);
  book.addSummary({
    conversationId: GROUP,
    title: 'Hike',
    seq: 9,
    ordinal: 7,
    time: 9_000,
    role: 'admin',
    leftSeq: null,
  });
  const { seq, ordinal, role } = book.get(GROUP)!;
  assert.deepEqual({ seq, ordinal, role }, { seq: 9, ordinal: 7, role: 'admin' });
});

test('one is a member from being added to being removed, and again after being added again', () => {
  const book = new ConversationBook('alice');
  const role = () => book.get(GROUP)?.role;
  book.addEntry(membership(4, { kind: 'added', members: ['carol', 'alice'] }));
  assert.equal(role(), 'member');
  book.addEntry(membership(5, { kind: 'removed', member: 'carol' }));
  assert.equal(role(), 'member');
  book.addEntry(membership(6, { kind: 'removed', member: 'alice' }));
  assert.equal(role(), null);
  book.addEntry(membership(9, { kind: 'added', members: ['alice'] }));
  assert.equal(role(), 'member');
});

test('older history does not change who one is now', () => {
  const book = new ConversationBook('alice');
  book.addEntry(membership(9, { kind: 'removed', member: 'alice' }));
  book.addPage(GROUP, [message(8), created], 9, 'end');
  assert.equal(book.get(GROUP)?.role, null);
  assert.equal(book.get(GROUP)?.title, 'Hike');
});

test('the owner who leaves hands over, and may be oneself', () => {
  const book = new ConversationBook('alice');
  book.addEntry(created);
  book.addEntry(membership(2, { kind: 'left', successor: 'alice' }));
  assert.equal(book.get(GROUP)?.role, 'owner');
  book.addEntry(membership(3, { kind: 'left', successor: null }, { sender: 'alice' }));
  assert.equal(book.get(GROUP)?.role, null);
});

test('a conversation with oneself has oneself as the other', () => {
  const book = new ConversationBook('alice');
  assert.equal(book.open(directConversationId('alice', 'alice')).peer, 'alice');
});

test('conversations that are not open keep a bounded number of events, the open one all', () => {
  const book = new ConversationBook('alice');
  for (let seq = 1; seq <= 1_000; seq++) {
    book.addEntry(message(seq), true);
    book.addEntry(message(seq, { conversationId: DIRECT }));
  }
  assert.equal(book.get(GROUP)?.log.shown.length, 1_000);
  assert.equal(book.get(DIRECT)?.log.shown.length, 300);
  book.trimAllBut(DIRECT);
  assert.equal(book.get(GROUP)?.log.shown.length, 300);
});
