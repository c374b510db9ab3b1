// The Cassandra adapter keeps the contract of the state store: with the buckets it has, and with tiny ones, so that every
// range crosses many.
import { after } from 'node:test';
import { stateStoreContract } from '../contract/state-store.ts';
import { openTestKeyspace } from './cassandra-subject.ts';

for (const bucket_rows of [4096, 4]) {
  const keyspace = await openTestKeyspace(`contract_${bucket_rows}`, { bucket_rows });
  after(() => keyspace.close());
  stateStoreContract(`CassandraStateStore, ${bucket_rows} rows a bucket,`, async () => keyspace.subject());
}
