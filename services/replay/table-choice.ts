// Which set a rebuild fills: that of an interrupted run, to go on with it, or a new one. Sets that nobody needs any more are
// removed here: all but the base, the one in force, and the one before it, which stays for a look back.
import { type Runtime, sleep } from '../kernel/runtime.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';
import type { TableSets } from '../ports/store/table-sets.ts';
import type { RebuildWatcher } from './rebuild.ts';
import { decodeRebuildState, lastTablesOf, noRebuild, type RebuildState, type ReplaySource } from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';

export interface TableChoiceOptions {
  readonly from: ReplaySource;
  readonly base: StateStore;
  readonly sets: TableSets;
  readonly generation: GenerationRow;
  readonly only: ReadonlySet<number> | null;
  readonly restart: boolean;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly watcher: RebuildWatcher;
}

/** A run writes its progress every few seconds. */
const SILENT_MS = 12_000;

/** `kept`: what the interrupted run left; null: the set is new. @throws ReplayError while another run is under way */
export async function chooseTables(
  options: TableChoiceOptions,
): Promise<{ readonly tables: number; readonly kept: RebuildState | null }> {
  const { base, sets, generation, from, only, restart, watcher } = options;
  await waitForSilence(options);
  const text = await base.loadRebuild();
  const kept = decodeRebuildState(text);
  const there = await sets.list();
  const isGood = kept !== null && kept.from === from && there.includes(kept.tables) && kept.tables > generation.tables;
  const goesOn = isGood && !restart && only === null;
  const former = Math.max(0, ...there.filter((number) => number < generation.tables));
  const last = Math.max(generation.tables, lastTablesOf(text), ...there);
  // Before anything is removed: half of a set is not to be gone on with.
  if (!goesOn) await base.saveRebuild(noRebuild(last));
  for (const number of there) {
    const isNeeded = number === 0 || number === generation.tables || number === former;
    if (!isNeeded && !(goesOn && number === kept.tables)) await sets.remove(number);
  }
  if (goesOn) {
    watcher.note(`going on with set ${kept.tables}, which an interrupted run began`);
    return { tables: kept.tables, kept };
  }
  return { tables: last + 1, kept: null };
}

/** Two runs on one set would write the same rows, but each its own progress. */
async function waitForSilence({ base, runtime, signal, watcher }: TableChoiceOptions): Promise<void> {
  const before = decodeRebuildState(await base.loadRebuild());
  if (before === null) return;
  // Another machine's clock may be ahead.
  const wait_ms = Math.min(SILENT_MS, before.at + SILENT_MS - runtime.now());
  if (wait_ms <= 0) return;
  watcher.note(
    `a replay wrote its progress just now; waiting ${Math.ceil(wait_ms / 1_000)} s to see whether it still runs`,
  );
  await sleep(runtime, wait_ms, signal);
  signal.throwIfAborted();
  const after = decodeRebuildState(await base.loadRebuild());
  if (after !== null && (after.at !== before.at || after.owner !== before.owner))
    throw new ReplayError('Another replay is under way on these tables. Wait for it, or end it.');
}
