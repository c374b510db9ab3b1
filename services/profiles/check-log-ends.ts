// A log that lost its end (a damaged file, half a backup, topics made anew) would number records a second time, and what
// was rebuilt from the lost ones would be taken for what comes instead. The checkpoints remember how far it once reached.
import type { EventLog } from '../ports/log/event-log.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import { StartError } from './start-error.ts';

/** @throws StartError, ending in `advice`, when a partition ends before its checkpoint. */
export async function checkLogEnds(log: EventLog, store: StateStore, advice: string): Promise<void> {
  const partitions = (['messages', 'inbox'] as const).flatMap((topic) =>
    Array.from({ length: log.layout.partitions[topic] }, (_, partition) => ({ topic, partition })),
  );
  await Promise.all(
    partitions.map(async ({ topic, partition }) => {
      // In this order: a log that is written meanwhile ends after what was processed before.
      const checkpoint = await store.loadCheckpoint(topic, partition);
      const end = await log.endOffset(topic, partition);
      if (checkpoint === null || checkpoint.offset <= end) return;
      throw new StartError(
        `The log has lost records: ${topic}/${partition} ends at ${end}, and ${checkpoint.offset} were processed. ${advice}`,
      );
    }),
  );
}
