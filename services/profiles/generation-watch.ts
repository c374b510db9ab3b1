// Every process watches the generation record (R10). Topics that were moved are an operator's doing, and a process that goes
// on with the old ones must not: it ends. Another set of tables in force is switched to while it runs.
import type { Logger } from '../kernel/logger.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { LiveTables } from '../ports/store/live-tables.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';

/** How long processes may be on different sets after a switch, besides the opening. A read of one row. */
const INTERVAL_MS = 2_000;
/** A process that cannot follow must not go on deciding by tables that nobody else has. */
const FOLLOW_MS_MAX = 30_000;

export interface GenerationWatchOptions {
  /** The base set. */
  readonly store: StateStore;
  readonly tables: Pick<LiveTables, 'current' | 'switchTo'>;
  /** What this process was started on. */
  readonly known: GenerationRow;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Called once. */
  readonly onStale: (why: string) => void;
}

/** Returns what ends it. A store that is away tells nothing, and a set that cannot be opened yet is tried again. */
export function watchGeneration({
  store,
  tables,
  known,
  runtime,
  logger,
  onStale,
}: GenerationWatchOptions): () => void {
  let timer: Timer | null = null;
  let stopped = false;
  /** Monotonic: since when a set in force could not be opened. */
  let behindSince: number | null = null;
  const look = async () => {
    try {
      const found = await store.loadGeneration();
      if (stopped) return;
      const why = whyStale(found, known, tables.current());
      if (why !== null) return onStale(why);
      if (found === null || found.tables <= tables.current().number) behindSince = null;
      else {
        behindSince ??= runtime.monotonic();
        await tables.switchTo(found);
        behindSince = null;
      }
    } catch (error) {
      logger.warn('the generation could not be followed', { error: String(error) });
      if (!stopped && behindSince !== null && runtime.monotonic() - behindSince > FOLLOW_MS_MAX)
        return onStale(`another set of tables is in force, and could not be opened for 30 s: ${error}`);
    }
    if (!stopped) again();
  };
  const again = () => {
    timer = runtime.setTimer(INTERVAL_MS, () => void look());
  };
  again();
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

/** null: go on, on the same set or on a later one. A set's number and epoch belong together for ever. */
function whyStale(
  found: GenerationRow | null,
  known: GenerationRow,
  inForce: { readonly number: number; readonly epoch: number },
): string | null {
  const counts = ({ partitions: { messages, timeline, inbox } }: GenerationRow) => `${messages} ${timeline} ${inbox}`;
  if (found !== null && found.generation === known.generation && counts(found) === counts(known)) {
    if (found.tables > inForce.number) return null;
    if (found.tables === inForce.number && found.epoch === inForce.epoch) return null;
  }
  const record = found === null ? 'is gone' : `is ${named(found.generation, found.tables, found.epoch)}`;
  return `this process knows ${named(known.generation, inForce.number, inForce.epoch)}, and the record ${record}`;
}

function named(generation: number, tables: number, epoch: number): string {
  return `generation ${generation}, tables ${tables}, epoch ${epoch}`;
}
