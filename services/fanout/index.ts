// The door of the fanout stage.
import { CONSUMER_GROUPS } from '../events/topics.ts';
import { OwnedPartitions } from '../ports/log/owned-partitions.ts';
import { type RunningStage, supervisePartition } from '../ports/log/partition-supervisor.ts';
import type { Tables } from '../ports/store/live-tables.ts';
import { type FanoutDependencies, FanoutProcessor } from './fanout-processor.ts';

export { FANOUT_SETTINGS, type FanoutDependencies, type FanoutSettings } from './fanout-processor.ts';

/** What each run is given, but for the set of tables it is bound to. */
export interface FanoutStageDependencies extends Omit<FanoutDependencies, 'tables'> {
  readonly tables: Tables;
}

/** Joins the group of fanout processors. `group`: another one than usual, for a second set of owners (tests, repairs). */
export async function startFanout(
  dependencies: FanoutStageDependencies,
  group: string = CONSUMER_GROUPS.fanout,
): Promise<RunningStage> {
  const { log, runtime, metrics, logger, tables } = dependencies;
  const owned = new OwnedPartitions(runtime);
  const options = {
    runtime,
    metrics,
    logger,
    aborts: 'fanout_aborts',
    stopped: 'fanout_stopped',
    owned,
    tables,
  } as const;
  const subscription = await log.subscribe('messages', group, (assignment) =>
    supervisePartition(options, assignment, (partition, current) =>
      new FanoutProcessor({ ...dependencies, tables: current }, assignment, partition).run(),
    ),
  );
  return {
    close: () => subscription.close(),
    healthy: () => metrics.get('fanout_stopped') === 0,
    partitions: () => owned.list(),
  };
}
