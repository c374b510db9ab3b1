// The door of the fanout stage.
import { CONSUMER_GROUPS } from '../events/topics.ts';
import { supervisePartition } from '../ports/log/partition-supervisor.ts';
import { type FanoutDependencies, FanoutProcessor } from './fanout-processor.ts';

export { FANOUT_SETTINGS, type FanoutDependencies, type FanoutSettings } from './fanout-processor.ts';

export interface RunningStage {
  /** Gives the partitions back. What was not committed is folded again by the next owner, to the same result. */
  close(): Promise<void>;
  /** false while a partition is stopped. */
  healthy(): boolean;
}

/** Joins the group of fanout processors. `group`: another one than usual, for a second set of owners (tests, repairs). */
export async function startFanout(
  dependencies: FanoutDependencies,
  group: string = CONSUMER_GROUPS.fanout,
): Promise<RunningStage> {
  const { log, runtime, metrics, logger } = dependencies;
  const options = { runtime, metrics, logger, aborts: 'fanout_aborts', stopped: 'fanout_stopped' } as const;
  const subscription = await log.subscribe('messages', group, (assignment) =>
    supervisePartition(options, assignment, () => new FanoutProcessor(dependencies, assignment).run()),
  );
  return { close: () => subscription.close(), healthy: () => metrics.get('fanout_stopped') === 0 };
}
