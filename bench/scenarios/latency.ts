// 1:1, open loop: messages leave by a schedule that does not wait for the server, in turn by each pair, and their latency
// counts from when they should have left.
import { openPairs } from '../loader/pairs.ts';
import { runLoad } from '../loader/run-load.ts';
import { startSchedule } from '../loader/schedule.ts';
import type { Scenario } from './scenario.ts';

export const latency: Scenario = async (context) => {
  const { pairs, messagesPerSecond } = context.options;
  const { connections, failed, traffic, senders } = await openPairs(context, 'latency');
  let stop = () => {};
  const figures = await runLoad(context, {
    name: 'latency',
    traffic,
    connections,
    failed,
    start: () => {
      stop = startSchedule(messagesPerSecond, (turn, due) => senders[turn % senders.length]!.send(due));
    },
    stop: () => stop(),
  });
  for (const connection of connections) connection.close();
  const { faults, notes } = traffic;
  const load = `1:1, ${pairs} pairs, ${messagesPerSecond} msg/s open loop`;
  return [{ scenario: 'latency', load, unit: 'message', count: figures.delivered, figures, faults, notes }];
};
