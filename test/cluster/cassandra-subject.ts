// A keyspace of this run's Cassandra, emptied behind each test: to make one takes a second, to truncate what was written
// a tenth.
import cassandra from '@scylladb/cassandra-driver';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import {
  CassandraStateStore,
  type CassandraStateStoreSettings,
} from '../../services/ports/store/cassandra/cassandra-state-store.ts';
import { TABLE_NAMES } from '../../services/ports/store/cassandra/schema.ts';
import { type Subject, selfDriven } from '../contract/subject.ts';
import { serverOfThisRun } from './servers.ts';

export interface TestKeyspace {
  readonly store: CassandraStateStore;
  /** Any statement, unguarded: to look at cells. */
  readonly client: cassandra.Client;
  readonly settings: CassandraStateStoreSettings;
  subject(): Subject<CassandraStateStore>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** Names differ between the files of one run, which share the server. */
export async function openTestKeyspace(
  name: string,
  more: Partial<CassandraStateStoreSettings> = {},
): Promise<TestKeyspace> {
  const contactPoints = [await serverOfThisRun('cassandra')];
  const keyspace = `test_${name}_${process.pid}`;
  const replication = { class: 'SimpleStrategy', replication_factor: 1 };
  const settings = { contactPoints, dataCenter: 'datacenter1', keyspace, replication, ...more };
  const store = await CassandraStateStore.open(settings);
  const client = new cassandra.Client({
    contactPoints,
    localDataCenter: 'datacenter1',
    keyspace,
    encoding: { useBigIntAsLong: true },
    socketOptions: { readTimeout: 60_000 },
  });
  await client.connect();
  const empty = async () => {
    for (const table of TABLE_NAMES) {
      const { rowLength } = await client.execute(`SELECT * FROM ${table} LIMIT 1`);
      if (rowLength > 0) await client.execute(`TRUNCATE ${table}`);
    }
  };
  return {
    store,
    client,
    settings,
    empty,
    subject: () => selfDriven(store, systemRuntime, empty),
    async close() {
      await store.close();
      await client.execute(`DROP KEYSPACE ${keyspace}`);
      await client.shutdown();
    },
  };
}
