import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InboxChecker, type InboxCounts } from '../../../services/commands/import/inbox-checker.ts';
import type { EventBody } from '../../../services/protocol/frames.ts';
import { importInMemory } from './in-memory-import.ts';
import { roomOf } from './rooms.ts';

const imported = importInMemory(
  roomOf(['message', 'ann', 'one'], ['join', 'bob'], ['message', 'ann', 'two'], ['message', 'ann', 'three']),
);
/** added:bob, two, three */
const bobs = imported.inboxes.get('bob')!;
const clean = { expected: 3, found: 3, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0 };

function check(entries: readonly EventBody[], user = 'bob'): InboxCounts {
  const checker = new InboxChecker(user, imported.rooms);
  for (const entry of entries) checker.take(entry);
  return checker.counts();
}

describe('the check of an inbox', () => {
  const [added, two, three] = bobs as [EventBody, EventBody, EventBody];

  test('finds nothing wrong with what the file says', () => {
    assert.deepEqual(check(bobs), clean);
  });

  test('counts what is missing', () => {
    assert.deepEqual(check([added, three]), { ...clean, found: 2, missing: 1 });
    assert.deepEqual(check([]), { ...clean, found: 0, missing: 3 });
  });

  test('counts what comes again, as the same entry or under another number', () => {
    assert.deepEqual(check([added, two, two, three]), { ...clean, repeated: 1 });
    assert.deepEqual(check([added, two, three, { ...two, seq: 99 }]), { ...clean, repeated: 1 });
  });

  test('counts what comes after a later one', () => {
    assert.deepEqual(check([added, three, two]), { ...clean, outOfOrder: 1 });
  });

  test('counts what was said before the joining', () => {
    const one = imported.inboxes.get('ann')![1]!;
    assert.deepEqual(check([one, ...bobs]), { ...clean, unexpected: 1 });
  });

  test('counts what says something else as unexpected, and what it should have been as missing', () => {
    const wrong = { ...clean, found: 2, missing: 1, unexpected: 1 };
    for (const other of [{ payload: 'no' }, { sender: 'eve' }, { contentType: 'text/html' }, { kind: 'left' }]) {
      assert.deepEqual(check([added, { ...two, ...other } as EventBody, three]), wrong);
    }
    assert.deepEqual(check([{ ...added, members: ['bob', 'eve'] } as EventBody, two, three]), wrong);
  });

  test('counts an event that no line of the file caused', () => {
    const stranger = { ...two, clientMessageId: '018bcfe5-6800-7000-8000-ffffffffffff' };
    assert.deepEqual(check([...bobs, stranger]), { ...clean, unexpected: 1 });
  });

  test('does not look at conversations of other runs', () => {
    assert.deepEqual(check([{ ...two, conversationId: `g:${'1'.repeat(32)}` }, ...bobs]), clean);
  });

  test('holds the founding against the file', () => {
    const [created, ...rest] = imported.inboxes.get('ann')! as [EventBody, ...EventBody[]];
    assert.equal(check([created, ...rest], 'ann').missing, 0);
    assert.equal(check([{ ...created, members: ['importer'] } as EventBody, ...rest], 'ann').missing, 1);
  });
});
