import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../services/kernel/logger.ts';
import type { GenerationRow, StateStore } from '../../../services/ports/store/state-store.ts';
import { StoreError } from '../../../services/ports/store/state-store.ts';
import { watchGeneration } from '../../../services/profiles/generation-watch.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const known: GenerationRow = { generation: 1, epoch: 7, partitions: { messages: 16, timeline: 16, inbox: 16 } };

/** What the record says is `found`; null: the store is away. */
function watched(): { found: GenerationRow | null; why: string[]; runtime: ManualRuntime; stop: () => void } {
  const runtime = new ManualRuntime();
  const state = { found: { ...known } as GenerationRow | null, why: [] as string[], runtime, stop: () => {} };
  const store = {
    loadGeneration: async () => {
      if (state.found === null) throw new StoreError('away');
      return state.found;
    },
  } as unknown as StateStore;
  state.stop = watchGeneration({ store, known, runtime, logger: silentLogger, onStale: (why) => state.why.push(why) });
  return state;
}

test('the same record, and a store that is away, are no reason to end', async () => {
  const state = watched();
  await state.runtime.advance(60_000);
  state.found = null;
  await state.runtime.advance(60_000);
  assert.deepEqual(state.why, []);
  state.stop();
  assert.equal(state.runtime.timers, 0);
});

for (const [what, changed] of [
  ['generation', { generation: 2 }],
  ['epoch', { epoch: 8 }],
  ['partition count', { partitions: { ...known.partitions, inbox: 32 } }],
] as const) {
  test(`another ${what} is told once, within ten seconds`, async () => {
    const state = watched();
    state.found = { ...known, ...changed };
    await state.runtime.advance(10_000);
    assert.equal(state.why.length, 1);
    assert.match(state.why[0]!, /this process knows generation 1, epoch 7, and the record is/);
    await state.runtime.advance(60_000);
    assert.equal(state.why.length, 1);
  });
}
