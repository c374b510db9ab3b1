// The door of the fanout stage.
import { CONSUMER_GROUPS } from '../events/topics.ts';
import { OwnedPartitions } from '../ports/log/owned-partitions.ts';
import { type RunningStage, supervisePartition } from '../ports/log/partition-supervisor.ts';
import { type FanoutDependencies, FanoutProcessor } from './fanout-processor.ts';

export { FANOUT_SETTINGS, type FanoutDependencies, type FanoutSettings } from './fanout-processor.ts';

/** Joins the group of fanout processors. `group`: another one than usual, for a second set of owners (tests, repairs). */
export async function startFanout(
  dependencies: FanoutDependencies,
  group: string = CONSUMER_GROUPS.fanout,
): Promise<RunningStage> {
  const { log, runtime, metrics, logger } = dependencies;
  const owned = new OwnedPartitions(runtime);
  const options = { runtime, metrics, logger, aborts: 'fanout_aborts', stopped: 'fanout_stopped', owned } as const;
  const subscription = await log.subscribe('messages', group, (assignment) =>
    supervisePartition(options, assignment, (partition) =>
      new FanoutProcessor(dependencies, assignment, partition).run(),
    ),
  );
  return {
    close: () => subscription.close(),
    healthy: () => metrics.get('fanout_stopped') === 0,
    partitions: () => owned.list(),
  };
}
