import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../services/kernel/logger.ts';
import type { GenerationRow, StateStore } from '../../../services/ports/store/state-store.ts';
import { StoreError } from '../../../services/ports/store/state-store.ts';
import { watchGeneration } from '../../../services/profiles/generation-watch.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const partitions = { messages: 16, timeline: 16, inbox: 16 };
const known: GenerationRow = { generation: 1, tables: 3, epoch: 7, partitions };

interface Watched {
  /** What the record says; null: the store is away. */
  found: GenerationRow | null;
  readonly why: string[];
  /** Every attempt to switch. */
  readonly asked: number[];
  /** The tables cannot be opened. */
  away: boolean;
  readonly runtime: ManualRuntime;
  stop: () => void;
}

function watched(): Watched {
  const runtime = new ManualRuntime();
  const state: Watched = { found: known, why: [], asked: [], away: false, runtime, stop: () => {} };
  const store = {
    loadGeneration: async () => {
      if (state.found === null) throw new StoreError('away');
      return state.found;
    },
  } as unknown as StateStore;
  let current = { number: known.tables, epoch: known.epoch };
  const tables = {
    current: () => ({ ...current, store, replaced: new AbortController().signal }),
    switchTo: async ({ tables: number, epoch }: { tables: number; epoch: number }) => {
      state.asked.push(number);
      if (state.away) throw new StoreError('away');
      current = { number, epoch };
    },
  };
  const onStale = (why: string) => state.why.push(why);
  state.stop = watchGeneration({ store, tables, known, runtime, logger: silentLogger, onStale });
  return state;
}

test('the same record, and a store that is away, are no reason to end', async () => {
  const state = watched();
  await state.runtime.advance(60_000);
  state.found = null;
  await state.runtime.advance(60_000);
  assert.deepEqual([state.why, state.asked], [[], []]);
  state.stop();
  assert.equal(state.runtime.timers, 0);
});

for (const [what, changed] of [
  ['generation', { generation: 2 }],
  ['epoch of the same tables', { epoch: 8 }],
  ['partition count', { partitions: { ...partitions, inbox: 32 } }],
  ['set of tables that was replaced before', { tables: 2 }],
] as const) {
  test(`another ${what} is told once, within two seconds`, async () => {
    const state = watched();
    state.found = { ...known, ...changed };
    await state.runtime.advance(2_000);
    assert.equal(state.why.length, 1);
    assert.match(state.why[0]!, /this process knows generation 1, tables 3, epoch 7, and the record is/);
    await state.runtime.advance(60_000);
    assert.deepEqual([state.why.length, state.asked], [1, []]);
  });
}

test('later tables are switched to, with their epoch, once they can be opened', async () => {
  const state = watched();
  state.found = { ...known, tables: 4, epoch: 8 };
  state.away = true;
  await state.runtime.advance(4_000);
  assert.deepEqual(state.asked, [4, 4]);
  state.away = false;
  await state.runtime.advance(60_000);
  assert.deepEqual(state.asked, [4, 4, 4]);
  assert.deepEqual(state.why, []);
  state.found = { ...known, tables: 6, epoch: 8 };
  await state.runtime.advance(2_000);
  assert.deepEqual(state.asked, [4, 4, 4, 6]);
});
