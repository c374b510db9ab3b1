// R7: nothing is written to the tables that come from the log but with a position of the log as its timestamp. One wall-
// clock write would stand above every position for ever, and nobody would see it before the first replay.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { positionOf } from '../../services/events/position.ts';
import { CassandraSession } from '../../services/ports/store/cassandra/cassandra-session.ts';
import { STAMPED_TABLES, TABLE_NAMES, UNSTAMPED_TABLES } from '../../services/ports/store/cassandra/schema.ts';
import { Statement, statement } from '../../services/ports/store/cassandra/statement.ts';
import { ForbiddenStatementError } from '../../services/ports/store/cassandra/statement-error.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { openTestKeyspace } from './cassandra-subject.ts';

const folder = resolve(import.meta.dirname, '../../services/ports/store/cassandra');
const keyspace = await openTestKeyspace('guard');
const session = await CassandraSession.open(keyspace.settings);
after(async () => {
  await session.close();
  await keyspace.close();
});

describe('The guard of position stamps', () => {
  it('knows every table, each as stamped or with a reason why not', () => {
    assert.deepEqual([...STAMPED_TABLES, ...UNSTAMPED_TABLES.keys()].sort(), [...TABLE_NAMES].sort());
  });

  it('refuses a write to a stamped table that does not take its timestamp as a parameter', () => {
    for (const table of STAMPED_TABLES) {
      for (const end of ['', ' USING TTL ?', ' USING TIMESTAMP 5', ' IF NOT EXISTS', ' USING TIMESTAMP ? AND TTL ?'])
        assert.throws(
          () => statement(`INSERT INTO ${table} (user, head) VALUES (?, ?)${end}`),
          ForbiddenStatementError,
        );
      assert.throws(() => statement(`DELETE FROM ${table} WHERE user = ?`), ForbiddenStatementError);
      assert.ok(statement(`INSERT INTO ${table} (user, head) VALUES (?, ?) USING TIMESTAMP ?`).isWrite);
    }
  });

  it('refuses deletes by the clock everywhere, and every kind of statement it cannot read', () => {
    for (const text of [
      'DELETE FROM checkpoint WHERE topic = ?',
      'DELETE head FROM head USING TIMESTAMP ? WHERE user = ?',
      'UPDATE head USING TIMESTAMP ? SET head = ? WHERE user = ?',
      'TRUNCATE head',
      'DROP TABLE head',
      'BEGIN UNLOGGED BATCH INSERT INTO head (user) VALUES (?) APPLY BATCH',
      'INSERT INTO head (user) VALUES (?) USING TIMESTAMP ?; TRUNCATE head',
      'SELECT head FROM head WHERE user = ?; TRUNCATE head',
      'INSERT INTO elsewhere (user) VALUES (?) USING TIMESTAMP ?',
      'INSERT INTO other.head (user) VALUES (?) USING TIMESTAMP ?',
      'SELECT * FROM elsewhere',
      'insert into head (user) values (?)',
    ])
      assert.throws(() => statement(text), ForbiddenStatementError, text);
  });

  it('lets nothing past it at the session: no statement made elsewhere, no timestamp that is no position', async () => {
    const made = new Statement('INSERT INTO head (user, head) VALUES (?, ?)', 'head', true, -1, false);
    await assert.rejects(session.run(made, ['alice', 1n]), ForbiddenStatementError);
    await assert.rejects(session.runBatch([{ statement: made, parameters: ['alice', 1n] }]), ForbiddenStatementError);
    const stamped = statement('INSERT INTO head (user, head) VALUES (?, ?) USING TIMESTAMP ?');
    for (const timestamp of [undefined, null, 5, -1n, 2n ** 53n, '5']) {
      await assert.rejects(session.run(stamped, ['alice', 1n, timestamp]), ForbiddenStatementError);
    }
    assert.equal((await keyspace.client.execute('SELECT * FROM head')).rowLength, 0);
    await session.run(stamped, ['alice', 1n, 0n]);
    assert.equal((await keyspace.client.execute('SELECT * FROM head')).rowLength, 1);
    await keyspace.empty();
  });

  it('stands before the only door: rows are written by the session, and by no other file of the adapter', () => {
    for (const name of readdirSync(folder)) {
      const text = readFileSync(join(folder, name), 'utf8');
      if (!['cassandra-session.ts', 'driver.ts'].includes(name)) assert.doesNotMatch(text, /cassandra-driver/, name);
      // The other one that gets a client makes and removes tables, and knows no statement that writes a row.
      if (!['cassandra-session.ts', 'driver.ts', 'keyspaces.ts'].includes(name))
        assert.doesNotMatch(text, /driver\.ts/, name);
    }
    const keyspaces = readFileSync(join(folder, 'keyspaces.ts'), 'utf8');
    assert.doesNotMatch(keyspaces, /INSERT|UPDATE|DELETE|BATCH|\.batch\(/);
    const door = readFileSync(join(folder, 'cassandra-session.ts'), 'utf8');
    // One execute and one batch behind the guard; the others read and make the schema, on a client without a keyspace.
    assert.equal(door.match(/this\.#client\.(execute|batch)\(/g)?.length, 2);
    assert.match(readFileSync(join(folder, 'driver.ts'), 'utf8'), /timestampGeneration: null/);
  });

  it('every cell of every stamped table carries the position it was written with', TEST_LIMITS, async () => {
    const { store, client } = keyspace;
    const position = positionOf(3, 12_345);
    const ids = { user: 'alice', conversationId: 'g:one' };
    const row = { kind: 'group', seq: 7, ordinal: 7, time: 7, title: '', memberLimit: 500, ...ids } as const;
    await store.flushConversations([
      {
        row: { ...row, asOf: position },
        members: new Map([
          ['alice', { user: 'alice', role: 'owner', joinedSeq: 1 }],
          ['bob', null],
        ]),
      },
    ]);
    const event = { ...row, sender: 'alice', commandId: 'one', position, event: Buffer.from('event') };
    await store.writeTimeline([event, { ...event, seq: 8 }], [{ ...ids, joinedSeq: 1, leftSeq: 4, position }]);
    await store.writeInbox(
      [1, 2, 3].map((inboxSeq) => ({ ...ids, inboxSeq, seq: 7, kind: 'MessageSent', position })),
      [{ ...ids, joinedSeq: 1, leftSeq: null, position }],
    );
    await store.writeHeads([{ user: 'alice', head: 3, headAsOf: position, minimumSeq: 1 }]);
    const columns = await client.execute(
      'SELECT table_name, column_name, kind FROM system_schema.columns WHERE keyspace_name = ?',
      [keyspace.settings.keyspace],
    );
    for (const table of STAMPED_TABLES) {
      const cells = columns.rows.filter((column) => column.table_name === table && /regular|static/.test(column.kind));
      const names = cells.map((column) => `WRITETIME(${column.column_name})`);
      const { rows } = await client.execute(`SELECT ${names.join(', ')} FROM ${table}`);
      assert.ok(rows.length > 0 && names.length > 0, table);
      const stamps = rows.flatMap((found) => found.values() as (bigint | null)[]).filter((stamp) => stamp !== null);
      assert.deepEqual([...new Set(stamps)], [BigInt(position)], table);
    }
    await keyspace.empty();
  });
});
