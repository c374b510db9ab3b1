// The door of the inbox stage.
import { CONSUMER_GROUPS } from '../events/topics.ts';
import { OwnedPartitions } from '../ports/log/owned-partitions.ts';
import { type RunningStage, supervisePartition } from '../ports/log/partition-supervisor.ts';
import type { Tables } from '../ports/store/live-tables.ts';
import { type InboxDependencies, InboxProcessor } from './inbox-processor.ts';

export { INBOX_SETTINGS, type InboxDependencies, type InboxSettings } from './inbox-processor.ts';

/** What each run is given, but for the set of tables it is bound to. */
export interface InboxStageDependencies extends Omit<InboxDependencies, 'tables'> {
  readonly tables: Tables;
}

/** Joins the group of inbox processors. `group`: another one than usual, for a second set of owners (tests, repairs). */
export async function startInbox(
  dependencies: InboxStageDependencies,
  group: string = CONSUMER_GROUPS.inbox,
): Promise<RunningStage> {
  const { log, runtime, metrics, logger, tables } = dependencies;
  const owned = new OwnedPartitions(runtime);
  const options = {
    runtime,
    metrics,
    logger,
    aborts: 'inbox_aborts',
    stopped: 'inbox_stopped',
    owned,
    tables,
  } as const;
  const subscription = await log.subscribe('inbox', group, (assignment) =>
    supervisePartition(options, assignment, (partition, current) =>
      new InboxProcessor({ ...dependencies, tables: current }, assignment, partition).run(),
    ),
  );
  return {
    close: () => subscription.close(),
    healthy: () => metrics.get('inbox_stopped') === 0,
    partitions: () => owned.list(),
  };
}
