// Sets of tables as keyspaces keep their contract; and keyspaces of older versions get what they lack.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { CassandraStateStore } from '../../services/ports/store/cassandra/cassandra-state-store.ts';
import { CassandraTableSets } from '../../services/ports/store/cassandra/cassandra-table-sets.ts';
import { DERIVED_TABLES, setOfKeyspace } from '../../services/ports/store/cassandra/schema.ts';
import { selfDriven, TEST_LIMITS } from '../contract/subject.ts';
import { tableSetsContract } from '../contract/table-sets.ts';
import { openTestKeyspace } from './cassandra-subject.ts';

const keyspace = await openTestKeyspace('sets');
const { store: base, settings, client } = keyspace;
const sets = new CassandraTableSets(settings, base);
const removeSets = async () => {
  for (const number of await sets.list())
    if (number > 0) await client.execute(`DROP KEYSPACE ${settings.keyspace}_t${number}`);
};
after(async () => {
  await removeSets();
  await keyspace.close();
});

tableSetsContract('CassandraTableSets', async () => {
  const others = async () => {
    const store = await CassandraStateStore.open(settings);
    return { base: store, sets: new CassandraTableSets(settings, store), close: () => store.close() };
  };
  return selfDriven({ base, sets, others }, systemRuntime, async () => {
    await removeSets();
    await keyspace.empty();
  });
});

describe('Keyspaces of table sets', () => {
  it('have the derived tables and no others, with the replication of the base', TEST_LIMITS, async () => {
    await (await sets.make(1)).close();
    const { rows } = await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      `${settings.keyspace}_t1`,
    ]);
    assert.deepEqual(rows.map(({ table_name }) => table_name).sort(), [...DERIVED_TABLES].sort());
    const keyspaces = await client.execute(
      'SELECT keyspace_name, replication FROM system_schema.keyspaces WHERE keyspace_name IN (?, ?)',
      [settings.keyspace, `${settings.keyspace}_t1`],
    );
    const [one, other] = keyspaces.rows.map(({ replication }) => JSON.stringify(replication));
    assert.equal(one, other);
    await removeSets();
  });

  it('are told from those of other installations', () => {
    assert.equal(setOfKeyspace('fanlog', 'fanlog'), 0);
    assert.equal(setOfKeyspace('fanlog', 'fanlog_t12'), 12);
    for (const name of ['fanlog_t', 'fanlog_t0', 'fanlog_t01', 'fanlog_t1x', 'fanlog2', 'fanlog_two', 'other_t1'])
      assert.equal(setOfKeyspace('fanlog', name), null, name);
  });

  it('that were made before there were sets get the missing tables, and are on set 0', TEST_LIMITS, async () => {
    const row = { generation: 1, partitions: { messages: 4, timeline: 4, inbox: 4 }, tables: 0, epoch: 7 };
    await base.createGeneration(row);
    for (const table of ['table_set', 'rebuild']) await client.execute(`DROP TABLE ${table}`);
    const later = await CassandraStateStore.open(settings);
    assert.deepEqual(await later.loadGeneration(), row);
    assert.equal(await later.loadRebuild(), null);
    assert.equal(await later.switchTables({ tables: 1, epoch: 7 }), true);
    await later.close();
    await keyspace.empty();
  });
});
