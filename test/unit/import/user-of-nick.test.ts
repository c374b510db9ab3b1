import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IMPORTER, nickOfUser, userOfNick } from '../../../services/commands/import/user-of-nick.ts';
import { isUserId } from '../../../services/events/ids.ts';

test('a nick that is a legal id is the user', () => {
  for (const nick of ['L0sT', '[FiDo] ', 'sid77_', 'zoë', 'a.b']) assert.equal(userOfNick(nick), nick);
});

test('any other nick becomes a legal id that gives the nick back', () => {
  const nick = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 16 }), fc.constantFrom('.', '..', '%41'));
  fc.assert(
    fc.property(nick, (nick) => {
      const user = userOfNick(nick);
      if (user === null) return assert.ok(Buffer.byteLength(nick) > 20 || !nick.isWellFormed());
      assert.ok(isUserId(user));
      assert.equal(nickOfUser(user), nick);
    }),
  );
});

test('nobody becomes the importer, or a segment of a path that means something else', () => {
  assert.equal(userOfNick(IMPORTER), '%69mporter');
  assert.equal(nickOfUser('%69mporter'), IMPORTER);
  assert.equal(userOfNick('..'), '%2E%2E');
  assert.equal(userOfNick('.'), '%2E');
});

test('a nick that is empty or too long is no user', () => {
  assert.equal(userOfNick(''), null);
  assert.equal(userOfNick('x'.repeat(65)), null);
  assert.equal(userOfNick('\n'.repeat(22)), null);
});
