import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { readConversation, readConversations, readMembers } from '../../../services/reading/index.ts';
import { created, DIRECT, GROUP, messages, removed, StoreWithRows } from './store-with-rows.ts';

let rows: StoreWithRows;
beforeEach(() => {
  rows = new StoreWithRows();
});
afterEach(() => rows.close());

async function mine(user: string) {
  return (await readConversations(rows.store, user)).conversations;
}

describe('my conversations', () => {
  test('are those of the membership rows, with what the state knows of them', async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, 5)]);
    await rows.state(5, { alice: 1, bob: 1 });
    await rows.membership('bob', 1, null);
    await rows.membership('bob', 1, null, DIRECT);
    const group = { conversationId: GROUP, kind: 'group', title: 'Friends', seq: 5, ordinal: 5, time: 1_005 };
    assert.deepEqual(
      await mine('bob'),
      [{ conversationId: DIRECT, kind: 'direct', title: '', seq: 0, ordinal: 0, time: 0 }, group].map((common) => ({
        ...common,
        role: 'member',
        joinedSeq: 1,
        leftSeq: null,
      })),
    );
    assert.deepEqual(await mine('nobody'), []);
  });

  test('show one that was left as it was at the last event seen', async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, 3), removed(4, 'bob'), ...messages(5, 9)]);
    await rows.past('bob', 1, 4);
    await rows.state(9, { alice: 1 });
    await rows.membership('bob', 1, 4);
    const [conversation] = await mine('bob');
    assert.deepEqual(
      [conversation?.seq, conversation?.time, conversation?.role, conversation?.leftSeq],
      [4, 1_004, null, 4],
    );
  });

  test('do not show how one goes on while the inbox has not heard of the removal', async () => {
    await rows.timeline([created('alice', 'bob'), removed(2, 'bob'), ...messages(3, 9)]);
    await rows.past('bob', 1, 2);
    await rows.state(9, { alice: 1 });
    await rows.membership('bob', 1, null);
    assert.equal((await mine('bob'))[0]?.seq, 2);
  });

  test('know the title of a group whose state is not written yet', async () => {
    await rows.timeline([created('alice', 'bob')]);
    await rows.membership('bob', 1, null);
    const [conversation] = await mine('bob');
    assert.deepEqual([conversation?.title, conversation?.seq, conversation?.time], ['Friends', 1, 1_001]);
  });

  test('come in pages by id', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => `g:${String(i).padStart(32, '0')}`);
    for (const id of ids) await rows.membership('bob', 1, null, id);
    const first = await readConversations(rows.store, 'bob', '', 25);
    assert.equal(first.status, 'more');
    const rest = await readConversations(rows.store, 'bob', first.conversations.at(-1)!.conversationId, 25);
    assert.equal(rest.status, 'end');
    assert.deepEqual(
      [...first.conversations, ...rest.conversations].map(({ conversationId }) => conversationId),
      ids,
    );
  });
});

describe('one conversation', () => {
  test('is shown to members, present and past, and to nobody else', async () => {
    await rows.timeline([created('alice', 'bob'), removed(2, 'bob'), ...messages(3, 4)]);
    await rows.past('bob', 1, 2);
    await rows.state(4, { alice: 1 });
    const alice = await readConversation(rows.store, GROUP, 'alice');
    assert.ok('seq' in alice && alice.seq === 4 && alice.role === 'owner');
    const bob = await readConversation(rows.store, GROUP, 'bob');
    assert.ok('seq' in bob && bob.seq === 2 && bob.leftSeq === 2 && bob.role === null);
    assert.deepEqual(await readConversation(rows.store, GROUP, 'mallory'), { code: 'not_a_member' });
    const unknown = `g:${'f'.repeat(32)}`;
    assert.deepEqual(await readConversation(rows.store, unknown, 'alice'), { code: 'conversation_not_found' });
    assert.deepEqual(await readConversation(rows.store, DIRECT, 'mallory'), { code: 'not_a_member' });
  });
});

describe('the members', () => {
  test('are shown to present members only', async () => {
    await rows.timeline([created('alice', 'bob', 'carol')]);
    await rows.past('bob', 1, 2);
    await rows.state(2, { alice: 1, carol: 1 });
    const found = await readMembers(rows.store, GROUP, 'carol');
    assert.ok('members' in found);
    assert.deepEqual(
      found.members.map(({ user, role }) => [user, role]),
      [
        ['alice', 'owner'],
        ['carol', 'member'],
      ],
    );
    assert.deepEqual(await readMembers(rows.store, GROUP, 'bob'), { code: 'not_a_member' });
    assert.deepEqual(await readMembers(rows.store, `g:${'f'.repeat(32)}`, 'bob'), { code: 'conversation_not_found' });
  });

  test('of a direct conversation follow from its id', async () => {
    const found = await readMembers(rows.store, DIRECT, 'bob');
    assert.ok('members' in found);
    assert.deepEqual(
      found.members.map(({ user }) => user),
      ['alice', 'bob'],
    );
    assert.deepEqual(await readMembers(rows.store, DIRECT, 'mallory'), { code: 'not_a_member' });
  });
});
