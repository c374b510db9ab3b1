// A fanout or inbox processor is stopped (SIGSTOP) for longer than its session at Kafka lasts, so that its partitions have
// new owners, and goes on (SIGCONT) as if nothing had happened: for a moment, two processes believe to be the owner.
import type { Scenario } from '../scenario.ts';
import { between, shuffled, someProcess } from './draw.ts';

/** The session lasts 6 s. */
const STOPPED_MS = { from: 7_000, to: 11_000 };
const QUIET_MS = { from: 500, to: 2_500 };

export const stopProcessors: Scenario = {
  name: 'stop-processors',
  title: 'SIGSTOP of a fanout or inbox processor past its session of 6 s, then SIGCONT',
  async inject(stage) {
    // Each of them once, however short the time is.
    for (let round = 1; round === 1 || !stage.isOver(); round++) {
      for (const role of shuffled(stage, ['fanout', 'inbox'] as const)) {
        if (round > 1 && stage.isOver()) return;
        const name = someProcess(stage, role);
        const stopped_ms = between(stage, STOPPED_MS.from, STOPPED_MS.to);
        await stage.fault(`SIGSTOP ${name}`, 'other', async () => {
          stage.cluster.kill(name, 'SIGSTOP');
          try {
            await stage.sleep(stopped_ms);
          } finally {
            stage.cluster.kill(name, 'SIGCONT');
          }
        });
        await stage.recovered();
        await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
      }
    }
  },
};
