// One set of tables that stays in force, for tests that switch none.
import type { Tables } from '../services/ports/store/live-tables.ts';
import type { StateStore } from '../services/ports/store/state-store.ts';

export function fixedTables(store: StateStore, epoch = 1): Tables {
  const current = { store, epoch, number: 0, replaced: new AbortController().signal };
  return { current: () => current, onSwitch: () => () => {} };
}
