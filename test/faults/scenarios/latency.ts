// Everything takes longer, Kafka, Cassandra and Redis, as if they stood in another part of the world.
import type { Scenario, Stage } from '../scenario.ts';
import { between } from './draw.ts';

const SERVERS = ['kafka', 'cassandra', 'redis'] as const;
/** Each way. */
const LATENCY_MS = { from: 10, to: 80 };
const SLOW_MS = { from: 6_000, to: 12_000 };
const QUIET_MS = 2_000;

export const latency: Scenario = {
  name: 'latency',
  title: 'a proxy that adds 10 to 80 ms each way to Kafka, Cassandra and Redis',
  setting: { proxies: SERVERS },
  async inject(stage) {
    while (!stage.isOver()) {
      const latency_ms = Math.round(between(stage, LATENCY_MS.from, LATENCY_MS.to));
      const slow_ms = between(stage, SLOW_MS.from, SLOW_MS.to);
      await stage.fault(`all slower by 2 x ${latency_ms} ms`, 'other', async () => {
        setLatency(stage, latency_ms);
        try {
          await stage.sleep(slow_ms);
        } finally {
          setLatency(stage, 0);
        }
      });
      await stage.recovered();
      await stage.sleep(QUIET_MS);
    }
  },
};

function setLatency(stage: Stage, latency_ms: number): void {
  for (const server of SERVERS) stage.proxies[server]!.setLatency(latency_ms);
}
