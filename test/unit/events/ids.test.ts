import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  directConversationId,
  isCommandId,
  isConversationId,
  isUserId,
  timeOfCommandId,
  usersOfDirect,
} from '../../../services/events/ids.ts';

const userId = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 24 }).filter(isUserId);

test('a direct conversation’s id is the same from both sides and gives its two users back', () => {
  fc.assert(
    fc.property(userId, userId, (a, b) => {
      const id = directConversationId(a, b);
      assert.equal(id, directConversationId(b, a));
      assert.deepEqual(usersOfDirect(id), a <= b ? [a, b] : [b, a]);
      assert.ok(isConversationId(id));
    }),
  );
});

test('only the one spelling of a direct conversation’s id is one', () => {
  for (const id of [
    'd:3:bob5:alice',
    'd:05:alice3:bob',
    'd:5:alice3:bobx',
    'd:5:alice',
    'd:',
    'd:5:alice0:',
    'd:9:alice3:bob',
  ])
    assert.equal(usersOfDirect(id), null, id);
});

test('user ids are 1 to 64 bytes of well-formed UTF-8 without control characters', () => {
  for (const id of ['a', 'x'.repeat(64), 'ü'.repeat(32), '💬'.repeat(16), ' ', '|QuaD-']) assert.ok(isUserId(id), id);
  for (const id of ['', 'x'.repeat(65), 'ü'.repeat(33), 'a\nb', 'a\u0000', '\u007f', '\ud800', 7, null])
    assert.ok(!isUserId(id), String(id));
});

test('command ids are lower-case UUIDv7 and carry their time', () => {
  const id = '01890a5d-ac96-774b-bcce-b302099a8057';
  assert.ok(isCommandId(id));
  assert.equal(timeOfCommandId(id), 0x01890a5dac96);
  for (const other of [id.toUpperCase(), id.replace('-774b', '-474b'), id.replace('-bcce', '-ccce'), `${id}0`, '', 7])
    assert.ok(!isCommandId(other), String(other));
});
