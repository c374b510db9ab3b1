// The ports of the embedded profile: log and state in one data folder, sessions and deliveries in memory.
//
//   data folder ─▶ lmdb ─▶ base store ─▶ generation ─▶ tables in force ─▶ log
import { EMBEDDED_LAYOUT } from '../events/topics.ts';
import type { Configuration } from '../kernel/configuration.ts';
import { openDataFolder } from '../kernel/data-folder.ts';
import { MemoryDeliveryStream } from '../ports/delivery/embedded/memory-delivery-stream.ts';
import { damagedLmdbFile } from '../ports/log/embedded/check-lmdb-files.ts';
import { LmdbEventLog } from '../ports/log/embedded/lmdb-event-log.ts';
import { type LmdbEnvironment, openEnvironment } from '../ports/log/embedded/open-environment.ts';
import { MemorySessionRegistry } from '../ports/sessions/embedded/memory-session-registry.ts';
import { LmdbStateStore } from '../ports/store/embedded/lmdb-state-store.ts';
import { LmdbTableSets } from '../ports/store/embedded/lmdb-table-sets.ts';
import { LiveTables } from '../ports/store/live-tables.ts';
import { TablesMissingError } from '../ports/store/table-sets.ts';
import { checkLogEnds } from './check-log-ends.ts';
import type { Closing } from './closing.ts';
import { firstEpoch } from './first-epoch.ts';
import { watchGeneration } from './generation-watch.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import { keptSecret } from './session-secret.ts';
import { StartError } from './start-error.ts';

/** What was opened before a step failed is in `closing`. @throws StartError, DataFolderError */
export async function openEmbedded(
  { data, secret }: Configuration,
  parts: ProcessParts,
  onStale: (why: string) => void,
  closing: Closing,
): Promise<OpenedPorts> {
  const { runtime, logger } = parts;
  const folder = openDataFolder(data);
  closing.add(() => folder.close());
  const environment = openLmdb(folder.path);
  closing.add(() => environment.close());
  const base = new LmdbStateStore(environment, runtime);
  closing.add(() => base.close());
  const row = await base.createGeneration({ ...EMBEDDED_LAYOUT, tables: 0, epoch: firstEpoch(runtime) });
  const sets = new LmdbTableSets(folder.path, base, runtime);
  const tables = await LiveTables.open(sets, row, parts).catch((error: unknown) => {
    if (!(error instanceof TablesMissingError)) throw error;
    throw new StartError(`The data folder ${folder.path}: ${error.message}.`, { cause: error });
  });
  closing.add(() => tables.close());
  closing.add(watchGeneration({ store: base, tables, known: row, runtime, logger, onStale }));
  const { generation, partitions } = row;
  const log = new LmdbEventLog(environment, { generation, partitions }, runtime);
  closing.add(() => log.close());
  const advice = 'Restore the whole data folder from one copy, or name another folder (FANLOG_DATA).';
  await checkLogEnds(log, tables.current().store, advice);
  const registry = new MemorySessionRegistry(runtime);
  closing.add(() => registry.close());
  const delivery = new MemoryDeliveryStream();
  closing.add(() => delivery.close());
  return { log, store: base, tables, registry, delivery, secret: secret ?? keptSecret(folder.path, runtime) };
}

/** @throws StartError */
export function openLmdb(folder: string): LmdbEnvironment {
  const advice = 'Restore it from a copy, or name another folder (FANLOG_DATA).';
  const damaged = damagedLmdbFile(folder);
  if (damaged !== null) throw new StartError(`The file ${damaged} is damaged: it is no lmdb file any more. ${advice}`);
  try {
    return openEnvironment(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`The data folder ${folder} cannot be opened (${reason}). ${advice}`, { cause: error });
  }
}
