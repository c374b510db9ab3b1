// A row that is not there is the first of a new conversation, or of a new user; unless the tables were emptied under a run.
// Then a known conversation would begin at 1 again, and be acknowledged as if nothing had been. The run has written its own
// checkpoint into the same tables: that is gone with them. It stays gone, as every run looks before it writes the next one; and
// before states and heads, which would speak of rows that are gone.
import type { TopicName } from '../../events/topics.ts';
import type { StateStore } from '../store/state-store.ts';
import { PartitionStoppedError } from './contiguous-reader.ts';

/**
 * Asked after a row was looked for and not found, and before states, heads and checkpoints are written, by a run that has a
 * checkpoint in the store.
 * @throws PartitionStoppedError when it does not, StoreError
 */
export async function refuseEmptiedTables(
  store: Pick<StateStore, 'loadCheckpoint'>,
  topic: TopicName,
  partition: number,
): Promise<void> {
  if ((await store.loadCheckpoint(topic, partition)) !== null) return;
  throw new PartitionStoppedError(
    `the tables were emptied: the checkpoint of ${topic}/${partition} is gone. Rebuild them: npm run replay -- --from inbox`,
  );
}
