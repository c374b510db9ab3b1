import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { LiveTables } from '../../../services/ports/store/live-tables.ts';
import { type StateStore, StoreError } from '../../../services/ports/store/state-store.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

interface Scene {
  readonly runtime: ManualRuntime;
  readonly tables: LiveTables;
  /** What was opened and closed, in order. */
  readonly calls: string[];
  failing: boolean;
}

async function scene(): Promise<Scene> {
  const runtime = new ManualRuntime();
  const calls: string[] = [];
  const state = { failing: false };
  const sets = {
    open: async (number: number) => {
      if (state.failing) throw new StoreError('away');
      calls.push(`open ${number}`);
      return { close: async () => void calls.push(`close ${number}`) } as unknown as StateStore;
    },
    make: async () => assert.fail('nobody but a rebuild makes tables'),
    list: async () => [],
    remove: async () => {},
  };
  const tables = await LiveTables.open(sets, { tables: 2, epoch: 7 }, { runtime, logger: silentLogger });
  return Object.assign(state, { runtime, tables, calls });
}

test('after a switch whoever asks gets the new set, and whoever pinned the old one is told', async () => {
  const { tables, calls } = await scene();
  const pinned = tables.current();
  const seen: unknown[] = [];
  tables.onSwitch((now, before) => {
    seen.push([before === pinned, before.replaced.aborted, now === tables.current(), now.epoch]);
  });
  await tables.switchTo({ tables: 3, epoch: 8 });
  assert.deepEqual([tables.current().number, tables.current().epoch, tables.current().replaced.aborted], [3, 8, false]);
  assert.deepEqual(seen, [[true, true, true, 8]]);
  assert.deepEqual(calls, ['open 2', 'open 3']);
});

test('the old set is closed when nobody can be at work on it any more, or with everything', async () => {
  const { tables, calls, runtime } = await scene();
  await tables.switchTo({ tables: 3, epoch: 7 });
  await runtime.advance(59_000);
  assert.equal(calls.at(-1), 'open 3');
  await runtime.advance(1_000);
  assert.equal(calls.at(-1), 'close 2');
  await tables.switchTo({ tables: 4, epoch: 7 });
  await tables.close();
  assert.deepEqual(calls.slice(-3), ['open 4', 'close 3', 'close 4']);
  assert.equal(runtime.timers, 0);
});

test('a set that cannot be opened leaves everything as it is', async () => {
  const state = await scene();
  state.failing = true;
  await assert.rejects(state.tables.switchTo({ tables: 3, epoch: 8 }), StoreError);
  assert.deepEqual([state.tables.current().number, state.tables.current().replaced.aborted], [2, false]);
  state.failing = false;
  await state.tables.switchTo({ tables: 3, epoch: 8 });
  assert.equal(state.tables.current().number, 3);
});

test('a set that was in force before is not switched to, and one opened too late is closed', async () => {
  const { tables, calls } = await scene();
  for (const number of [0, 1, 2]) await tables.switchTo({ tables: number, epoch: 9 });
  assert.deepEqual(calls, ['open 2']);
  const late = tables.switchTo({ tables: 3, epoch: 7 });
  await tables.close();
  await late;
  assert.deepEqual([...calls].sort(), ['close 2', 'close 3', 'open 2', 'open 3']);
});
