// What is asked of Kafka or Cassandra reaches them, and the answer does not come: connections are cut at it, cut in the
// middle of it, or it never arrives. Nobody knows then whether it was done, and it must be done once.
import type { ProxyMode } from '../../cluster/tcp-proxy.ts';
import type { Scenario } from '../scenario.ts';
import { between, oneOf } from './draw.ts';

const SERVERS = ['kafka', 'cassandra'] as const;
const WAYS = [
  { mode: 'cut', text: 'cuts', from: 20, to: 400 },
  { mode: 'half', text: 'cuts in half', from: 20, to: 400 },
  { mode: 'hold', text: 'holds', from: 500, to: 3_000 },
] as const satisfies readonly { mode: ProxyMode; text: string; from: number; to: number }[];
const QUIET_MS = { from: 500, to: 2_000 };

export const repliesDropped: Scenario = {
  name: 'replies-dropped',
  title: 'a proxy that drops replies of Kafka and Cassandra',
  setting: { proxies: SERVERS },
  async inject(stage) {
    let rounds = 0;
    let idle = 0;
    while (!stage.isOver()) {
      const server = oneOf(stage, SERVERS);
      const { mode, text, from, to } = oneOf(stage, WAYS);
      const dropping_ms = between(stage, from, to);
      const link = stage.proxies[server]!;
      const before = link.dropped();
      await stage.fault(`${text} answers of ${server}`, 'other', async () => {
        await link.become(mode);
        try {
          await stage.sleep(dropping_ms);
        } finally {
          await link.become('pass');
        }
      });
      if (link.dropped() === before) idle++;
      rounds++;
      await stage.recovered();
      await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
    }
    if (idle === rounds) stage.fail('no answer was dropped in any round');
  },
};
