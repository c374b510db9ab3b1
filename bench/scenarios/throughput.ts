// 1:1, saturated: every sender keeps `window` messages under way, and sends the next when one is complete (accepted,
// outcome, recipient's and own copy). So nothing piles up anywhere, and the rate is what the whole way sustains.
import { openPairs } from '../loader/pairs.ts';
import { runLoad } from '../loader/run-load.ts';
import type { Scenario } from './scenario.ts';

export const throughput: Scenario = async (context) => {
  const { pairs, window } = context.options;
  const { connections, failed, traffic, senders } = await openPairs(context, 'throughput');
  let sending = true;
  traffic.onComplete = (sender) => {
    if (sending) senders[sender]!.send(performance.now());
  };
  const figures = await runLoad(context, {
    name: 'throughput',
    traffic,
    connections,
    failed,
    start: () => {
      for (const sender of senders) for (let i = 0; i < window; i++) sender.send(performance.now());
    },
    stop: () => {
      sending = false;
    },
  });
  for (const connection of connections) connection.close();
  const { faults, notes } = traffic;
  const load = `1:1, ${pairs} pairs, window ${window}`;
  return [{ scenario: 'throughput', load, unit: 'message', count: figures.delivered, figures, faults, notes }];
};
