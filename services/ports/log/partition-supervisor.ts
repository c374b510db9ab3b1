// Keeps one assigned partition running: after a failure its processor starts again from the checkpoint with nothing
// cached (R2); after damage it stays stopped, visibly, until an operator acts (R8).
//
// Each run is bound to one set of tables and writes to no other: a conversation flushed into another set, at a position
// whose timeline rows are not in that set, would make its owner pass over them. Once another set is in force the run
// ends, and the next one begins at that set's own checkpoint; what it decides again are repeats (R5).
import { UnreadableRecordError } from '../../events/codec.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { MetricName, Metrics } from '../../kernel/metrics.ts';
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import type { Tables, TablesInForce } from '../store/live-tables.ts';
import { PartitionStoppedError } from './contiguous-reader.ts';
import { type PartitionAssignment, PartitionRevokedError } from './event-log.ts';
import type { OwnedPartition, OwnedPartitions } from './owned-partitions.ts';

/** After an abort. The cause is a bug or broken I/O: soon enough for the second, not a busy loop for the first. */
const RESTART_MS_FIRST = 200;
const RESTART_MS_MAX = 2_000;
/** It ran for so long: the next abort is a first one again. */
const WELL_MS = 10_000;

export interface SupervisorOptions {
  readonly runtime: Runtime;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly aborts: MetricName;
  readonly stopped: MetricName;
  readonly owned: OwnedPartitions;
  readonly tables: Tables;
}

/** The partitions of one topic that this process has, being processed. */
export interface RunningStage {
  /** Gives the partitions back. What was not committed is done again by the next owner, to the same result. */
  close(): Promise<void>;
  /** false while a partition is stopped. */
  healthy(): boolean;
  /** Those that it has now. */
  partitions(): readonly OwnedPartition[];
}

/** Calls `run` again and again until the partition is taken away. `run` makes a fresh processor each time, on `tables`. */
export async function supervisePartition(
  options: SupervisorOptions,
  assignment: PartitionAssignment,
  run: (owned: OwnedPartition, tables: TablesInForce) => Promise<void>,
): Promise<void> {
  const owned = options.owned.take(assignment);
  try {
    await runUntilRevoked(options, assignment, (tables) => run(owned, tables));
  } finally {
    options.owned.give(owned);
  }
}

async function runUntilRevoked(
  options: SupervisorOptions,
  assignment: PartitionAssignment,
  run: (tables: TablesInForce) => Promise<void>,
): Promise<void> {
  const { runtime, metrics, logger } = options;
  const { topic, partition, signal } = assignment;
  for (let pause_ms = RESTART_MS_FIRST; !signal.aborted; ) {
    const startedAt = runtime.monotonic();
    const tables = options.tables.current();
    try {
      await run(tables);
    } catch (error) {
      if (signal.aborted || error instanceof PartitionRevokedError) return;
      const reason = error instanceof Error ? error.message : String(error);
      // Whatever is wrong with the last set is nobody's concern any more.
      if (tables.replaced.aborted) {
        logger.info('partition goes on with another set of tables', { topic, partition });
        continue;
      }
      if (error instanceof PartitionStoppedError || error instanceof UnreadableRecordError) {
        metrics.add(options.stopped);
        logger.error('partition stopped: an operator must look at it', { topic, partition, reason });
        // Other tables, rebuilt perhaps because of this very damage, may stand where it does not matter.
        await firstAborted(signal, tables.replaced);
        metrics.add(options.stopped, -1);
        continue;
      }
      metrics.add(options.aborts);
      logger.error('partition starts again from its checkpoint', { topic, partition, reason });
      if (runtime.monotonic() - startedAt >= WELL_MS) pause_ms = RESTART_MS_FIRST;
      await sleep(runtime, pause_ms * (0.5 + runtime.random()), signal);
      pause_ms = Math.min(RESTART_MS_MAX, pause_ms * 2);
    }
  }
}

function firstAborted(one: AbortSignal, other: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      one.removeEventListener('abort', end);
      other.removeEventListener('abort', end);
      resolve();
    };
    if (one.aborted || other.aborted) return resolve();
    one.addEventListener('abort', end, { once: true });
    other.addEventListener('abort', end, { once: true });
  });
}
