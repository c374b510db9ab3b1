// A log that lost its end (a damaged file, half a backup) would number records a second time, and what was rebuilt from
// the lost ones would be taken for what comes instead. The checkpoints remember how far the log once reached.
import type { EventLog } from '../ports/log/event-log.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import { StartError } from './start-error.ts';

/** @throws StartError when a partition ends before its checkpoint. */
export async function checkLogEnds(log: EventLog, store: StateStore): Promise<void> {
  for (const topic of ['messages', 'inbox'] as const) {
    for (let partition = 0; partition < log.layout.partitions[topic]; partition++) {
      const checkpoint = await store.loadCheckpoint(topic, partition);
      const end = await log.endOffset(topic, partition);
      if (checkpoint === null || checkpoint.offset <= end) continue;
      throw new StartError(
        `The log has lost records: ${topic}/${partition} ends at ${end}, and ${checkpoint.offset} were processed. ` +
          'Restore the whole data folder from one copy, or name another folder (FANLOG_DATA).',
      );
    }
  }
}
