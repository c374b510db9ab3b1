// Cassandra or Scylla, as every process of an installation opens it: the base set of tables, and the others beside it.
import type { ClusterSettings, Configuration } from '../kernel/configuration.ts';
import {
  CassandraStateStore,
  type CassandraStateStoreSettings,
} from '../ports/store/cassandra/cassandra-state-store.ts';
import { CassandraTableSets } from '../ports/store/cassandra/cassandra-table-sets.ts';
import type { GenerationRow } from '../ports/store/state-store.ts';
import type { Closing } from './closing.ts';
import type { ProcessParts } from './opened-ports.ts';
import { reach } from './reach-server.ts';
import { StartError } from './start-error.ts';

/** As for topics: any one node may be lost. */
const REPLICAS_IN_PRODUCTION = 3;

/** How it is called when it does not answer. */
export function cassandraName({ cassandra }: ClusterSettings): string {
  return `Cassandra (FANLOG_CASSANDRA: ${cassandra.join(', ')})`;
}

/** Makes what is missing of the base. @throws StartError */
export async function openCassandra(
  { environment }: Configuration,
  cluster: ClusterSettings,
  parts: ProcessParts,
  closing: Closing,
): Promise<{ readonly store: CassandraStateStore; readonly sets: CassandraTableSets }> {
  const { cassandra: contactPoints, dataCenter, keyspace } = cluster;
  const copies = environment === 'production' ? REPLICAS_IN_PRODUCTION : 1;
  const replication = { class: 'NetworkTopologyStrategy', [dataCenter]: copies };
  const settings: CassandraStateStoreSettings = { contactPoints, dataCenter, keyspace, replication };
  const store = await reach(parts, cassandraName(cluster), () => CassandraStateStore.open(settings));
  closing.add(() => store.close());
  return { store, sets: new CassandraTableSets(settings, store) };
}

// A keyspace derived from other topics would skip, repeat and overwrite; the check of the log's ends finds only some of it.
/** @throws StartError */
export function refuseOtherPrefix({ keyspace, prefix }: ClusterSettings, generation: GenerationRow): void {
  const found = generation.prefix ?? '';
  if (found === prefix) return;
  const named = (text: string) => (text === '' ? 'topics without a prefix' : `topics with the prefix ${text}`);
  throw new StartError(
    `Keyspace ${keyspace} holds what was derived from ${named(found)}, and FANLOG_PREFIX asks for ${named(prefix)}. ` +
      'Set the FANLOG_KEYSPACE that belongs to it: every installation needs both of its own.',
  );
}
