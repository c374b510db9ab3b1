// The door of the inbox stage.
import { CONSUMER_GROUPS } from '../events/topics.ts';
import { supervisePartition } from '../ports/log/partition-supervisor.ts';
import { type InboxDependencies, InboxProcessor } from './inbox-processor.ts';

export { INBOX_SETTINGS, type InboxDependencies, type InboxSettings } from './inbox-processor.ts';

export interface RunningStage {
  /** Gives the partitions back. What was not committed is numbered again by the next owner, to the same result. */
  close(): Promise<void>;
  /** false while a partition is stopped. */
  healthy(): boolean;
}

/** Joins the group of inbox processors. `group`: another one than usual, for a second set of owners (tests, repairs). */
export async function startInbox(
  dependencies: InboxDependencies,
  group: string = CONSUMER_GROUPS.inbox,
): Promise<RunningStage> {
  const { log, runtime, metrics, logger } = dependencies;
  const options = { runtime, metrics, logger, aborts: 'inbox_aborts', stopped: 'inbox_stopped' } as const;
  const subscription = await log.subscribe('inbox', group, (assignment) =>
    supervisePartition(options, assignment, () => new InboxProcessor(dependencies, assignment).run()),
  );
  return { close: () => subscription.close(), healthy: () => metrics.get('inbox_stopped') === 0 };
}
