// What a rebuild works on, opened beside whatever runs: the log to read, the base set of tables, and the sets beside it.
//
// Nothing is made and nothing is owned: no topics, no keyspace, no lock of the data folder. So a rebuild runs while the
// system does, in a process of its own; and it takes no partitions (the embedded log cannot even be appended to).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TopicLayout } from '../events/topics.ts';
import type { ClusterSettings, Configuration } from '../kernel/configuration.ts';
import { ReadOnlyEventLog } from '../ports/log/embedded/read-only-event-log.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import { KafkaEventLog } from '../ports/log/kafka/kafka-event-log.ts';
import { LmdbStateStore } from '../ports/store/embedded/lmdb-state-store.ts';
import { LmdbTableSets } from '../ports/store/embedded/lmdb-table-sets.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';
import type { TableSets } from '../ports/store/table-sets.ts';
import type { Closing } from './closing.ts';
import { cassandraName, openCassandra, refuseOtherPrefix } from './open-cassandra.ts';
import { openLmdb } from './open-embedded.ts';
import type { ProcessParts } from './opened-ports.ts';
import { reach } from './reach-server.ts';
import { StartError } from './start-error.ts';

export interface OpenedTableSets {
  /** Set 0. */
  readonly base: StateStore;
  readonly sets: TableSets;
  readonly log: EventLog;
  /** As it was found. */
  readonly generation: GenerationRow;
}

/** What was opened before a step failed is in `closing`. @throws StartError */
export function openTableSets(
  configuration: Configuration,
  parts: ProcessParts,
  closing: Closing,
): Promise<OpenedTableSets> {
  const { cluster, data } = configuration;
  if (cluster === null) return openEmbeddedSets(data, parts, closing);
  return openClusterSets(configuration, cluster, parts, closing);
}

async function openClusterSets(
  configuration: Configuration,
  cluster: ClusterSettings,
  parts: ProcessParts,
  closing: Closing,
): Promise<OpenedTableSets> {
  const { store: base, sets } = await openCassandra(configuration, cluster, parts, closing);
  const generation = await reach(parts, cassandraName(cluster), () => base.loadGeneration());
  if (generation === null)
    throw new StartError(`Keyspace ${cluster.keyspace} was never started on. Name another one (FANLOG_KEYSPACE).`);
  refuseOtherPrefix(cluster, generation);
  const { prefix, kafka: brokers } = cluster;
  const layout: TopicLayout = { generation: generation.generation, prefix, partitions: generation.partitions };
  const log = new KafkaEventLog({ ...parts, brokers, layout, clientId: 'fanlog.table-sets' });
  closing.add(() => log.close());
  return { base, sets, log, generation };
}

async function openEmbeddedSets(folder: string, parts: ProcessParts, closing: Closing): Promise<OpenedTableSets> {
  const missing = `There is no fanlog in the data folder ${folder}. Name another one (FANLOG_DATA).`;
  if (!existsSync(join(folder, 'log')) || !existsSync(join(folder, 'state'))) throw new StartError(missing);
  const environment = openLmdb(folder);
  closing.add(() => environment.close());
  const base = new LmdbStateStore(environment, parts.runtime);
  closing.add(() => base.close());
  const generation = await base.loadGeneration();
  if (generation === null) throw new StartError(missing);
  const log = new ReadOnlyEventLog(environment, generation);
  return { base, sets: new LmdbTableSets(folder, base, parts.runtime), log, generation };
}
