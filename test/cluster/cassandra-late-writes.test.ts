// Two owners of a partition write at once, and the older one's writes arrive last. The cells keep the higher position,
// whatever comes in which order (R7).
import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import { CassandraStateStore } from '../../services/ports/store/cassandra/cassandra-state-store.ts';
import type { ConversationFlush, MemberRow, Role } from '../../services/ports/store/state-store.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { openTestKeyspace } from './cassandra-subject.ts';

const keyspace = await openTestKeyspace('late');
const newer = keyspace.store;
const older = await CassandraStateStore.open(keyspace.settings);
afterEach(() => keyspace.empty());
after(async () => {
  await older.close();
  await keyspace.close();
});

function flush(asOf: number, members: Record<string, Role | null>): ConversationFlush {
  const row = { conversationId: 'g:one', kind: 'group', seq: asOf, ordinal: asOf, time: asOf, asOf } as const;
  const entries = Object.entries(members).map(([user, role]): [string, MemberRow | null] => {
    return [user, role === null ? null : { user, role, joinedSeq: asOf }];
  });
  return { row: { ...row, title: `as of ${asOf}`, memberLimit: 500 }, members: new Map(entries) };
}

async function stampsOf(text: string): Promise<unknown[]> {
  return (await keyspace.client.execute(text)).rows.map((row) => row.values().map(String));
}

/** Repeatable chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('A late writer in Cassandra', () => {
  it('does not bring a removed member back, nor change any static cell', TEST_LIMITS, async () => {
    await older.flushConversations([flush(1, { alice: 'owner', bob: 'member' })]);
    await newer.flushConversations([flush(9, { bob: null })]);
    await older.flushConversations([flush(5, { alice: 'admin', bob: 'member', carol: 'member' })]);
    const statics = ['kind', 'seq', 'ordinal', 'time', 'as_of', 'title', 'member_limit'];
    const columns = statics.map((name) => `WRITETIME(${name})`).join(', ');
    const [first] = await stampsOf(`SELECT ${columns} FROM conversation LIMIT 1`);
    assert.deepEqual(first, Array(7).fill('9'));
    assert.deepEqual(await stampsOf('SELECT user, role, WRITETIME(role), WRITETIME(joined_seq) FROM conversation'), [
      ['', 'null', 'null', 'null'],
      ['alice', 'admin', '5', '5'],
      ['carol', 'member', '5', '5'],
    ]);
  });

  it('does not undo a head or a membership', TEST_LIMITS, async () => {
    await newer.writeHeads([{ user: 'alice', head: 9, headAsOf: 90, minimumSeq: 2 }]);
    await older.writeHeads([{ user: 'alice', head: 5, headAsOf: 50, minimumSeq: 1 }]);
    assert.deepEqual(
      await stampsOf(
        'SELECT head, head_as_of, minimum_seq, WRITETIME(head), WRITETIME(head_as_of), WRITETIME(minimum_seq) FROM head',
      ),
      [['9', '90', '2', '90', '90', '90']],
    );
    const joined = { user: 'alice', conversationId: 'g:one', joinedSeq: 1, leftSeq: null, position: 3 };
    await newer.writeInbox([], [{ ...joined, leftSeq: 8, position: 30 }]);
    await older.writeInbox([], [joined]);
    assert.deepEqual(
      await stampsOf('SELECT joined_seq, left_seq, WRITETIME(joined_seq), WRITETIME(left_seq) FROM membership'),
      [['1', '8', '30', '30']],
    );
    // Who joins again is present again: nothing of the interval before stays.
    await newer.writeInbox([], [{ ...joined, joinedSeq: 12, position: 40 }]);
    assert.deepEqual(await newer.readMemberships('alice'), [{ ...joined, joinedSeq: 12, position: 40 }]);
  });

  it('may repeat a flush of one position, with a removal in it, as often as it likes', TEST_LIMITS, async () => {
    const repeated = flush(7, { alice: 'owner', bob: null, carol: 'member' });
    await older.flushConversations([flush(3, { alice: 'owner', bob: 'member' })]);
    await newer.flushConversations([repeated]);
    const before = await newer.loadConversation('g:one');
    await Promise.all([older.flushConversations([repeated]), newer.flushConversations([repeated])]);
    assert.deepEqual(await newer.loadConversation('g:one'), before);
    assert.deepEqual(
      before!.members.map(({ user }) => user),
      ['alice', 'carol'],
    );
  });

  it('leads to the same conversation in whatever order flushes arrive, once or twice', TEST_LIMITS, async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = chance(seed);
      const flushes: ConversationFlush[] = [];
      const expected = new Map<string, MemberRow>();
      for (let asOf = 1; asOf <= 20; asOf++) {
        const touched: Record<string, Role | null> = {};
        for (const user of ['alice', 'bob', 'carol', 'dave']) {
          if (random() < 0.4) touched[user] = random() < 0.4 ? null : random() < 0.5 ? 'member' : 'admin';
        }
        flushes.push(flush(asOf, touched));
        for (const [user, member] of flushes.at(-1)!.members) {
          if (member === null) expected.delete(user);
          else expected.set(user, member);
        }
      }
      const schedule = [...flushes, ...flushes.filter(() => random() < 0.5)].sort(() => random() - 0.5);
      for (const item of schedule) await (random() < 0.5 ? older : newer).flushConversations([item]);
      const row = await newer.loadConversation('g:one');
      const members = [...expected.values()].sort((a, b) => (a.user < b.user ? -1 : 1));
      assert.deepEqual(row, { ...flushes.at(-1)!.row, members }, `seed ${seed}`);
      await keyspace.empty();
    }
  });
});
