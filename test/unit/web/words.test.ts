import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hueOf, initialsOf } from '../../../services/web/avatar.ts';
import { dayLabel, shortLabel } from '../../../services/web/calendar.ts';
import { connectionText } from '../../../services/web/connection-text.ts';
import { isText, membershipText, previewText } from '../../../services/web/event-text.ts';
import { addressOf, conversationOf } from '../../../services/web/page-address.ts';
import { parseUsers } from '../../../services/web/user-list.ts';
import { membership, message } from './events.ts';

test('a membership event names oneself as you', () => {
  const added = membership(1, { kind: 'added', members: ['alice', 'carol'] });
  assert.equal(membershipText(added, 'alice'), 'bob added you and carol');
  assert.equal(membershipText(added, 'bob'), 'You added alice and carol');
  assert.equal(
    membershipText(membership(1, { kind: 'left', successor: 'alice' }), 'alice'),
    'bob left, you are the owner now',
  );
  assert.equal(membershipText(membership(1, { kind: 'removed', member: 'alice' }), 'alice'), 'bob removed you');
});

test('many names are counted', () => {
  const added = membership(1, { kind: 'added', members: ['a', 'b', 'c', 'd', 'e'] });
  assert.equal(membershipText(added, 'alice'), 'bob added a, b, c and 2 more');
});

test('a preview is one line and says who spoke where that is not clear', () => {
  const event = message(1, { payload: ' one\n\ntwo ' });
  assert.equal(previewText(event, 'alice', true), 'one two');
  assert.equal(previewText(event, 'alice', false), 'bob: one two');
  assert.equal(previewText(event, 'bob', false), 'You: one two');
});

test('plain text is text with or without a charset, and nothing else is', () => {
  for (const type of [undefined, 'text/plain', 'text/plain; charset=utf-8', 'Text/Plain'])
    assert.equal(isText(type), true);
  for (const type of ['text/html', 'text/plainer', 'application/json']) assert.equal(isText(type), false);
});

test('days have names for a week, and a year when it is another', () => {
  const now = new Date(2024, 5, 5, 15).getTime();
  const at = (year: number, month: number, day: number) => new Date(year, month, day, 23, 30).getTime();
  const labels = [at(2024, 5, 5), at(2024, 5, 4), at(2024, 5, 1), at(2024, 2, 3), at(2023, 2, 3)];
  assert.deepEqual(
    labels.map((time) => dayLabel(time, now, 'en-GB')),
    ['Today', 'Yesterday', 'Saturday', '3 March', '3 March 2023'],
  );
  assert.deepEqual(
    labels.map((time) => shortLabel(time, now, 'en-GB')),
    ['23:30', 'Yesterday', 'Sat', '3 Mar', '3 Mar'],
  );
});

test('the connection is told of only when it is not there, with whole seconds to wait', () => {
  assert.equal(connectionText('live', null), null);
  assert.equal(connectionText('waiting', 2_100)?.text, 'No connection. Trying again in 3 s.');
  assert.equal(connectionText('waiting', 0)?.text, 'No connection. Trying again in 1 s.');
  assert.equal(connectionText('waiting', 2_100)?.canRetry, true);
  assert.equal(connectionText('syncing', null)?.canRetry, false);
});

test('an avatar has one or two whole characters and always the same colour', () => {
  assert.deepEqual(['alice', 'Book worms', 'x', '🙂 team', ''].map(initialsOf), ['AL', 'BW', 'X', '🙂T', '?']);
  assert.equal(hueOf('alice'), hueOf('alice'));
});

test('users are read from a list with commas, and a list with an impossible one is refused', () => {
  assert.deepEqual(parseUsers(' bob, carol ,bob,\n'), ['bob', 'carol']);
  assert.deepEqual(parseUsers(''), []);
  assert.equal(parseUsers(`bob, ${'x'.repeat(65)}`), null);
});

test('any conversation id survives in the address', () => {
  for (const id of ['d:5:alice3:b/b', 'd:4:a%2F1:#', `g:${'a'.repeat(32)}`])
    assert.equal(conversationOf(addressOf(id)), id);
  for (const hash of ['', '#', '#/', '#sign-in', '#/%']) assert.equal(conversationOf(hash), null);
});
