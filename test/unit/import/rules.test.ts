// The rules of the history, twice: as commands (the plan) and as what everybody must hold (the expectation).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expectRoom } from '../../../services/commands/import/expect-room.ts';
import { InboxChecker } from '../../../services/commands/import/inbox-checker.ts';
import { planRoom } from '../../../services/commands/import/plan-room.ts';
import { importInMemory } from './in-memory-import.ts';
import { anyRoom, roomOf, type Said } from './rooms.ts';

/** `created`, `added:ann`, `hi` … as one member must see them. */
function heldBy(user: string, ...said: Said[]): string[][] {
  const { events, stays } = expectRoom(roomOf(...said));
  const show = ({ kind, subject }: (typeof events)[number]) => {
    return kind === 'message' ? subject : kind === 'created' ? kind : `${kind}:${subject}`;
  };
  return (stays.get(user) ?? []).map(({ first, last }) => events.slice(first, last + 1).map(show));
}

test('who speaks, leaves or is renamed first was there from the start; who joins or is a new nick was not', () => {
  const lines: Said[] = [
    ['message', 'ann', 'hi'],
    ['join', 'bob'],
    ['leave', 'cy'],
    ['rename', 'dee', 'eve'],
    ['message', 'eve', 'ho'],
    ['message', 'bob', 'hum'],
  ];
  assert.deepEqual(planRoom(roomOf(...lines)).founders, ['ann', 'cy', 'dee']);
  assert.deepEqual([...expectRoom(roomOf(...lines)).founders], ['importer', 'ann', 'cy', 'dee']);
  assert.deepEqual(heldBy('ann', ...lines), [
    ['created', 'hi', 'added:bob', 'removed:cy', 'removed:dee', 'added:eve', 'ho', 'hum'],
  ]);
});

test('a member holds everything from the join to the removal, both included, and once more after coming back', () => {
  const lines: Said[] = [
    ['message', 'ann', 'one'],
    ['join', 'bob'],
    ['message', 'ann', 'two'],
    ['leave', 'bob'],
    ['message', 'ann', 'three'],
    ['join', 'bob'],
    ['message', 'ann', 'four'],
  ];
  assert.deepEqual(heldBy('bob', ...lines), [
    ['added:bob', 'two', 'removed:bob'],
    ['added:bob', 'four'],
  ]);
});

test('joining twice and leaving twice change nothing', () => {
  const lines: Said[] = [
    ['join', 'bob'],
    ['join', 'bob'],
    ['leave', 'bob'],
    ['leave', 'bob'],
  ];
  assert.deepEqual(heldBy('importer', ...lines), [['created', 'added:bob', 'removed:bob']]);
});

test('who speaks after leaving joins first', () => {
  assert.deepEqual(heldBy('bob', ['join', 'bob'], ['leave', 'bob'], ['message', 'bob', 'back']), [
    ['added:bob', 'removed:bob'],
    ['added:bob', 'back'],
  ]);
});

test('a rename by somebody absent only joins the new nick', () => {
  assert.deepEqual(heldBy('importer', ['join', 'bob'], ['leave', 'bob'], ['rename', 'bob', 'rob']), [
    ['created', 'added:bob', 'removed:bob', 'added:rob'],
  ]);
});

test('a rename onto a nick that is present only lets the old one leave', () => {
  assert.deepEqual(heldBy('importer', ['message', 'ann', 'a'], ['message', 'bob', 'b'], ['rename', 'bob', 'ann']), [
    ['created', 'a', 'b', 'removed:bob'],
  ]);
});

test('a rename onto oneself changes nothing', () => {
  assert.deepEqual(heldBy('importer', ['message', 'ann', 'a'], ['rename', 'ann', 'ann']), [['created', 'a']]);
});

test('an empty text counts, and the content type tells an action, and when it was', () => {
  const { events } = expectRoom(roomOf(['message', 'ann', ''], ['action', 'ann', 'waves']));
  assert.deepEqual(
    events.slice(1).map(({ subject, contentType }) => [subject, contentType]),
    [
      ['', 'text/plain; charset=utf-8; fanlog-time=1'],
      ['waves', 'text/plain; charset=utf-8; fanlog-time=1; fanlog-kind=action'],
    ],
  );
});

test('the most members at once are counted with the importer', () => {
  const room = roomOf(['message', 'ann', 'a'], ['join', 'bob'], ['leave', 'bob'], ['join', 'cy'], ['join', 'dee']);
  assert.equal(planRoom(room).members_max, 4);
});

test('whatever a file says, the plan put through the real fold gives everybody what the file says', () => {
  fc.assert(
    fc.property(anyRoom, (room) => {
      const { inboxes, outcomes, rooms } = importInMemory(room);
      assert.ok(outcomes.every(({ result }) => result !== 'rejected'));
      const { stays } = rooms.values().next().value!.expected;
      assert.deepEqual([...inboxes.keys()].sort(), [...stays.keys()].sort());
      for (const [user, events] of inboxes) {
        const checker = new InboxChecker(user, rooms);
        for (const event of events) checker.take(event);
        const { expected, ...rest } = checker.counts();
        assert.deepEqual(rest, { found: expected, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0 });
        assert.ok(checker.complete);
      }
    }),
  );
});
