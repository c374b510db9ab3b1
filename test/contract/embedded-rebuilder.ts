// A second process in a data folder (argument), as a rebuild is one: says what it sees of the log and the generation, and
// puts a set of tables in force when told to.
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import { ReadOnlyEventLog } from '../../services/ports/log/embedded/read-only-event-log.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import { LmdbTableSets } from '../../services/ports/store/embedded/lmdb-table-sets.ts';

const folder = process.argv[2]!;
const environment = openEnvironment(folder);
const base = new LmdbStateStore(environment, systemRuntime);
const generation = (await base.loadGeneration())!;
const log = new ReadOnlyEventLog(environment, generation);
const sets = new LmdbTableSets(folder, base, systemRuntime);

async function look(): Promise<void> {
  const end = await log.endOffset('inbox', 2);
  const keys: string[] = [];
  while (keys.length < end) keys.push(...(await log.readFrom('inbox', 2, keys.length, 10)).map(({ key }) => key));
  process.send!({ end, keys, tables: (await base.loadGeneration())!.tables });
}

async function rebuild(): Promise<void> {
  const one = await sets.make(1);
  await one.writeHeads([{ user: 'alice', head: 3, headAsOf: 3, minimumSeq: 1 }]);
  await one.durable();
  await one.close();
  process.send!(await base.switchTables({ tables: 1, epoch: generation.epoch + 1 }));
}

process.on('message', (message) => {
  if (message === 'look') void look();
  else if (message === 'rebuild') void rebuild();
  else
    void base.close().then(async () => {
      await environment.close();
      process.disconnect();
    });
});
await look();
