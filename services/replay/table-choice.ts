// Which set a rebuild fills: that of an interrupted run, to go on with it, or a new one. Sets that nobody needs any more are
// removed here: all but the base, the one in force, and the one before it, which stays for a look back.
import { type Runtime, sleep } from '../kernel/runtime.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';
import type { TableSets } from '../ports/store/table-sets.ts';
import type { RebuildWatcher } from './rebuild.ts';
import type { RebuildRecord } from './rebuild-record.ts';
import { decodeRebuildState, lastTablesOf, ownerOf, type RebuildState, type ReplaySource } from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';

export interface TableChoiceOptions {
  readonly from: ReplaySource;
  readonly base: StateStore;
  readonly record: Pick<RebuildRecord, 'claim' | 'begin'>;
  readonly sets: TableSets;
  readonly generation: GenerationRow;
  readonly only: ReadonlySet<number> | null;
  readonly restart: boolean;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly watcher: RebuildWatcher;
}

/** A run says that it lives every few seconds. */
const SILENT_MS = 12_000;
/** No two machines' clocks differ by so much; a run that was heard of longer ago is over. */
const OVER_MS = 10 * 60_000;

/**
 * The record is ours from here on. `kept`: what the interrupted run left; null: the set is new.
 * @throws ReplayError while another run is under way, StoreError
 */
export async function chooseTables(
  options: TableChoiceOptions,
): Promise<{ readonly tables: number; readonly kept: RebuildState | null }> {
  const { sets, generation, from, only, restart, record, watcher } = options;
  await waitForSilence(options);
  const text = await record.claim();
  const kept = decodeRebuildState(text);
  const there = await sets.list();
  const isGood =
    kept !== null &&
    kept.only === null &&
    kept.from === from &&
    there.includes(kept.tables) &&
    kept.tables > generation.tables;
  const goesOn = isGood && !restart && only === null;
  const former = Math.max(0, ...there.filter((number) => number < generation.tables));
  const last = Math.max(generation.tables, lastTablesOf(text), ...there);
  // Before anything is removed: half of a set is not to be gone on with.
  if (!goesOn) await record.begin(last);
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
  const before = ownerOf(await base.loadRebuild());
  // By our clock, not by that of the machine which wrote it.
  if (before === null || Math.abs(runtime.now() - before.at) > OVER_MS) return;
  watcher.note(`a replay wrote its progress not long ago; waiting ${SILENT_MS / 1_000} s to see whether it still runs`);
  await sleep(runtime, SILENT_MS, signal);
  signal.throwIfAborted();
  const after = ownerOf(await base.loadRebuild());
  if (after !== null && (after.at !== before.at || after.owner !== before.owner))
    throw new ReplayError('Another replay is under way on these tables. Wait for it, or end it.');
}
