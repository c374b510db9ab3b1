// Sets of tables in a data folder: the contract, a second process beside the one that owns the folder, damaged files.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import { LmdbTableSets } from '../../services/ports/store/embedded/lmdb-table-sets.ts';
import { StoreError } from '../../services/ports/store/state-store.ts';
import { type Subject, selfDriven, TEST_LIMITS } from './subject.ts';
import { type SetsAndBase, tableSetsContract } from './table-sets.ts';

function openIn(folder: string) {
  const environment = openEnvironment(folder);
  const base = new LmdbStateStore(environment, systemRuntime);
  const close = async () => {
    await base.close();
    await environment.close();
  };
  return { environment, base, sets: new LmdbTableSets(folder, base, systemRuntime), close };
}

async function inNewFolder(): Promise<Subject<SetsAndBase> & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'fanlog-sets-'));
  const { base, sets, close } = openIn(folder);
  const subject = selfDriven({ base, sets, others: async () => openIn(folder) }, systemRuntime, async () => {
    await close();
    await rm(folder, { recursive: true, force: true });
  });
  return { ...subject, folder };
}

tableSetsContract('LmdbTableSets', inNewFolder);

describe('A data folder that another process owns', () => {
  it('is read, rebuilt beside and switched from a second process', TEST_LIMITS, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanlog-sets-'));
    const { environment, base, sets, close } = openIn(folder);
    const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
    const generation = await base.createGeneration({ ...EMBEDDED_LAYOUT, tables: 0, epoch: 7 });
    const record = (key: string) => ({ key, value: new TextEncoder().encode(key) });
    await log.append('inbox', [{ partition: 2, records: [record('first')] }]);

    const other = fork(join(import.meta.dirname, 'embedded-rebuilder.ts'), [folder], {
      execArgv: ['--import', 'tsx'],
    });
    try {
      const said = async () => (await once(other, 'message'))[0] as unknown;
      assert.deepEqual(await said(), { end: 1, keys: ['first'], tables: 0 });
      await log.append('inbox', [{ partition: 2, records: [record('second'), record('third')] }]);
      const heard = said();
      other.send('look');
      assert.deepEqual(await heard, { end: 3, keys: ['first', 'second', 'third'], tables: 0 });

      const rebuilt = said();
      other.send('rebuild');
      assert.equal(await rebuilt, true);
      assert.deepEqual(await base.loadGeneration(), {
        ...{ ...generation, tables: 1, epoch: 8 },
        epochOfInbox: generation.epoch,
      });
      const one = await sets.open(1);
      assert.deepEqual(await one.loadHeads(['alice']), [{ user: 'alice', head: 3, headAsOf: 3, minimumSeq: 1 }]);
      await one.writeHeads([{ user: 'bob', head: 1, headAsOf: 4, minimumSeq: 1 }]);
      await one.durable();
      await one.close();
      const ended = once(other, 'exit');
      other.send('end');
      assert.deepEqual((await ended)[0], 0);
    } finally {
      other.kill('SIGKILL');
    }
    await log.close();
    await close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is told of a file that is no set', TEST_LIMITS, async () => {
    const subject = await inNewFolder();
    mkdirSync(join(subject.folder, 'tables-1'));
    writeFileSync(join(subject.folder, 'tables-1', 'data.mdb'), 'not lmdb at all'.repeat(1_000));
    await assert.rejects(subject.port.sets.open(1), (error) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.message, /tables-1.data\.mdb is damaged/);
      return true;
    });
    await subject.tearDown();
  });
});
