// What the adapter does at its bounds: many calls at once, a conversation that is too large, a server that is away.
import assert from 'node:assert/strict';
import { after, afterEach, describe, it } from 'node:test';
import type cassandra from '@scylladb/cassandra-driver';
import { CassandraSession } from '../../services/ports/store/cassandra/cassandra-session.ts';
import { CassandraStateStore } from '../../services/ports/store/cassandra/cassandra-state-store.ts';
import { InFlightGate } from '../../services/ports/store/cassandra/in-flight-gate.ts';
import { routingKeyOf } from '../../services/ports/store/cassandra/routing-key.ts';
import { statement } from '../../services/ports/store/cassandra/statement.ts';
import { WriteGroups } from '../../services/ports/store/cassandra/write-groups.ts';
import { type MemberRow, StoreError } from '../../services/ports/store/state-store.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { openTestKeyspace } from './cassandra-subject.ts';
import { TcpProxy } from './tcp-proxy.ts';

const keyspace = await openTestKeyspace('limits');
afterEach(() => keyspace.empty());
after(() => keyspace.close());

function group(members: number) {
  const row = { conversationId: 'g:one', kind: 'group', seq: 1, ordinal: 1, time: 1, asOf: 1, title: '' } as const;
  const users = Array.from({ length: members }, (_, i) => `user-${i}`);
  const rows = users.map((user): [string, MemberRow] => [user, { user, role: 'member', joinedSeq: 1 }]);
  return { row: { ...row, memberLimit: 5_000 }, members: new Map(rows) };
}

describe('The Cassandra adapter at its bounds', () => {
  it('takes 5,000 calls at once, twice what the driver does', TEST_LIMITS, async () => {
    const { store } = keyspace;
    const users = Array.from({ length: 2_500 }, (_, i) => `user-${i}`);
    await Promise.all([
      ...users.map((user) => store.writeHeads([{ user, head: 1, headAsOf: 1, minimumSeq: 1 }])),
      ...users.map((user) => store.readInbox(user, 1, 10)),
    ]);
    const heads = await store.loadHeads(users);
    assert.ok(heads.every((head, i) => head?.user === users[i]));
  });

  it('a gate lets in as many as it may, the others in their order, and refuses above its end', async () => {
    const gate = new InFlightGate(2, 3);
    const entered: number[] = [];
    assert.equal(gate.enter(), null);
    assert.equal(gate.enter(), null);
    for (const number of [1, 2, 3]) void gate.enter()!.then(() => entered.push(number));
    assert.throws(() => gate.enter(), StoreError);
    for (let left = 0; left < 5; left++) gate.leave();
    await new Promise(setImmediate);
    assert.deepEqual([entered, gate.inFlight, gate.waiting], [[1, 2, 3], 0, 0]);
  });

  it('a conversation is read in one page; one that does not fit is an error that says so', TEST_LIMITS, async () => {
    const small = await CassandraStateStore.open({ ...keyspace.settings, conversation_rows_max: 100 });
    try {
      await small.flushConversations([group(99)]);
      assert.equal((await small.loadConversation('g:one'))!.members.length, 99);
      await small.flushConversations([group(101)]);
      await assert.rejects(small.loadConversation('g:one'), (error) => {
        return error instanceof StoreError && /does not fit into one page/.test(error.message);
      });
      // The reader's view is two rows, however many there are.
      assert.equal((await small.readReader('g:one', 'user-7'))!.member!.user, 'user-7');
    } finally {
      await small.close();
    }
  });

  it('a server that does not answer, or is not there, is a StoreError in time; then it is used again', async () => {
    const proxy = await TcpProxy.to(keyspace.settings.contactPoints[0]!);
    const contactPoints = [`127.0.0.1:${proxy.port}`];
    const store = await CassandraStateStore.open({ ...keyspace.settings, contactPoints, timeout_ms: 300 });
    try {
      await store.writeHeads([{ user: 'alice', head: 1, headAsOf: 1, minimumSeq: 1 }]);
      for (const mode of ['hold', 'refuse'] as const) {
        await proxy.become(mode);
        const calls = [
          store.loadHeads(['alice']),
          store.writeHeads([{ user: 'alice', head: 2, headAsOf: 2, minimumSeq: 1 }]),
          store.loadConversation('g:one'),
          store.createAccount({ user: 'alice', passwordHash: null, createdAt: 1 }),
        ];
        const results = await Promise.allSettled(calls);
        for (const result of results) {
          assert.ok(result.status === 'rejected' && result.reason instanceof StoreError, `${mode} ${result.status}`);
        }
        await proxy.become('pass');
        for (let head = null; head === null; ) {
          head = await store.loadHeads(['alice']).catch(() => null);
          if (head === null) await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    } finally {
      await store.close();
      await proxy.close();
    }
    await assert.rejects(store.loadHeads(['alice']), StoreError);
  });

  it('opening says when nobody is there', async () => {
    const proxy = await TcpProxy.to(keyspace.settings.contactPoints[0]!);
    await proxy.become('refuse');
    const contactPoints = [`127.0.0.1:${proxy.port}`];
    await assert.rejects(CassandraStateStore.open({ ...keyspace.settings, contactPoints }), StoreError);
  });

  it('opening again, by many at once, finds the tables there', TEST_LIMITS, async () => {
    const stores = await Promise.all([1, 2, 3].map(() => CassandraStateStore.open(keyspace.settings)));
    await Promise.all(stores.map((store) => store.close()));
  });
});

describe('Writes that go together', () => {
  const write = statement('INSERT INTO head (user, head, head_as_of) VALUES (?, ?, ?) USING TIMESTAMP ?');
  const bound = (user: string) => ({ statement: write, parameters: [user, 1n, 1n, 1n] });
  const usersOf = (batches: { parameters: readonly unknown[] }[][]) =>
    batches.map((batch) => batch.map(({ parameters }) => parameters[0] as string));

  it('are of one partition, or of partitions with the same replicas', () => {
    const groups = new WriteGroups();
    for (const user of ['a1', 'b1', 'a2', 'b2', 'a1']) groups.add([user], bound(user), 100);
    const batches = usersOf(groups.take(([user]) => String(user)[0]!));
    assert.deepEqual(batches, [
      ['a1', 'a1', 'a2'],
      ['b1', 'b2'],
    ]);
    assert.deepEqual(groups.take(null), []);
  });

  it('are bounded in rows and bytes', () => {
    const groups = new WriteGroups();
    for (let i = 0; i < 1_000; i++) groups.add([`user-${i}`], bound(`user-${i}`), 150);
    for (let i = 0; i < 100; i++) groups.add(['full'], bound('full'), 150);
    for (let i = 0; i < 3; i++) groups.add([`large-${i}`], bound(`large-${i}`), 16_384);
    const batches = usersOf(groups.take(null));
    assert.equal(batches.flat().length, 1_103);
    for (const batch of batches) {
      assert.ok(batch.length <= (new Set(batch).size === 1 ? 40 : 20));
      if (batch.some((user) => user.startsWith('large'))) assert.equal(batch.length, 1);
    }
  });

  it('are grouped by the token that the server computes', TEST_LIMITS, async () => {
    const { client } = keyspace;
    const { store } = keyspace;
    const users = ['alice', 'bob', 'ü'.repeat(32), '👩‍👩‍👧‍👦'];
    await store.writeHeads(users.map((user) => ({ user, head: 1, headAsOf: 1, minimumSeq: 1 })));
    await store.writeInbox(
      users.map((user) => ({ user, inboxSeq: 9_000, conversationId: 'g', seq: 1, kind: 'MessageSent', position: 1 })),
      [],
    );
    const tokenOf = (key: (string | bigint)[]) => client.metadata.newToken(routingKeyOf(key)).toString();
    const one = await client.execute('SELECT user, token(user) AS hashed FROM head');
    for (const row of one.rows) assert.equal(tokenOf([row.user]), String(row.hashed));
    const two = await client.execute('SELECT user, bucket, token(user, bucket) AS hashed FROM inbox');
    for (const row of two.rows) assert.equal(tokenOf([row.user, row.bucket]), String(row.hashed));
    assert.equal(one.rowLength + two.rowLength, 8);
  });

  it('need no look at tokens while every node has every row', async () => {
    const session = await CassandraSession.open(keyspace.settings);
    assert.equal(session.replicasOf(), null);
    await session.close();
    const two = { ...keyspace.settings, replication: { class: 'SimpleStrategy', replication_factor: 0 } };
    const other = await CassandraSession.open(two);
    const [host] = keyspace.client.getState().getConnectedHosts();
    assert.equal(other.replicasOf()!(['alice', 1n]), (host as cassandra.Host).address);
    await other.close();
  });
});
