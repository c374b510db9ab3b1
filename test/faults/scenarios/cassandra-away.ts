// Cassandra is away for most of the time: stopped and started again on its data, or hanging (SIGSTOP). Sends are accepted
// meanwhile, for the log has them; deliveries wait for the rows.
import type { Scenario, Stage } from '../scenario.ts';
import { between, shuffled } from './draw.ts';

/** Of the time that there are faults; two of them. */
const AWAY_SHARE = { from: 0.25, to: 0.35 };
const QUIET_MS = 2_000;
const END_MS_MAX = 30_000;

export const cassandraAway: Scenario = {
  name: 'cassandra-away',
  title: 'Cassandra stopped, and hanging, for most of the time',
  async inject(stage) {
    for (const fault of shuffled(stage, [stop, hang])) {
      if (stage.isOver()) return;
      await fault(stage, between(stage, AWAY_SHARE.from, AWAY_SHARE.to) * stage.window_ms);
      await stage.recovered();
      await stage.sleep(QUIET_MS);
    }
  },
};

async function stop(stage: Stage, away_ms: number): Promise<void> {
  const { cassandra } = stage;
  await stage.fault(`Cassandra stopped for ${Math.round(away_ms / 1_000)} s, and its start`, 'other', async () => {
    const from = performance.now();
    process.kill(cassandra.pid!, 'SIGTERM');
    const pid = cassandra.pid!;
    // Its end is a fault of its own kind, and must not last for ever.
    const limit = setTimeout(() => process.kill(pid, 'SIGKILL'), END_MS_MAX);
    await cassandra.exited!();
    clearTimeout(limit);
    await stage.sleep(Math.max(0, away_ms - (performance.now() - from)));
    await cassandra.restart!();
  });
}

async function hang(stage: Stage, away_ms: number): Promise<void> {
  const pid = stage.cassandra.pid!;
  await stage.fault(`Cassandra hanging for ${Math.round(away_ms / 1_000)} s`, 'other', async () => {
    process.kill(pid, 'SIGSTOP');
    try {
      await stage.sleep(away_ms);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
}
