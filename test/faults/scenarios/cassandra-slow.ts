// Every answer of Cassandra takes a quarter of a second longer, or half, for most of the time: requests pile up, and
// nothing may be given up, passed over or written twice because of it.
import type { Scenario } from '../scenario.ts';
import { between } from './draw.ts';

/** Each way. */
const LATENCY_MS = { from: 100, to: 300 };
const SLOW_MS = { from: 8_000, to: 15_000 };
const QUIET_MS = 2_000;

export const cassandraSlow: Scenario = {
  name: 'cassandra-slow',
  title: 'Cassandra behind a proxy that adds 100 to 300 ms each way',
  setting: { proxies: ['cassandra'] },
  async inject(stage) {
    const link = stage.proxies.cassandra!;
    while (!stage.isOver()) {
      const latency_ms = Math.round(between(stage, LATENCY_MS.from, LATENCY_MS.to));
      const slow_ms = between(stage, SLOW_MS.from, SLOW_MS.to);
      await stage.fault(`Cassandra slower by 2 x ${latency_ms} ms`, 'other', async () => {
        link.setLatency(latency_ms);
        try {
          await stage.sleep(slow_ms);
        } finally {
          link.setLatency(0);
        }
      });
      await stage.recovered();
      await stage.sleep(QUIET_MS);
    }
  },
};
