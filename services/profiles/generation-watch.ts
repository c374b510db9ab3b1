// Every process watches the generation record (R10): topics that were moved, or inbox tables that were re-derived, are an
// operator's doing, and a process that goes on with the old ones must not.
import type { Logger } from '../kernel/logger.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';

const INTERVAL_MS = 10_000;

export interface GenerationWatchOptions {
  readonly store: StateStore;
  /** What this process was started on. */
  readonly known: GenerationRow;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Called once. */
  readonly onStale: (why: string) => void;
}

/** Returns what ends it. A store that is away tells nothing: it is asked again. */
export function watchGeneration({ store, known, runtime, logger, onStale }: GenerationWatchOptions): () => void {
  let timer: Timer | null = null;
  let stopped = false;
  const look = async () => {
    const found = await store.loadGeneration().catch((error: unknown) => {
      logger.debug('the generation could not be read', { error: String(error) });
      return known;
    });
    if (stopped) return;
    if (found !== null && sameGeneration(found, known)) return again();
    const now = found === null ? 'is gone' : `is ${found.generation}, epoch ${found.epoch}`;
    onStale(`this process knows generation ${known.generation}, epoch ${known.epoch}, and the record ${now}`);
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

function sameGeneration(a: GenerationRow, b: GenerationRow): boolean {
  const counts = ({ partitions: { messages, timeline, inbox } }: GenerationRow) => `${messages} ${timeline} ${inbox}`;
  return a.generation === b.generation && a.epoch === b.epoch && counts(a) === counts(b);
}
