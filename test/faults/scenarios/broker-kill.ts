// Brokers die: no acknowledged send goes with them, and sends are acknowledged again before the broker is back.
import { chooseLeader } from '../brokers/choose-leader.ts';
import { ENDED_MS_MAX, IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario } from '../scenario.ts';

/** Longer than sends may take to be back, so that they are back without it. */
const AWAY_MS = 12_000;
const REST_MS = 3_000;

export const brokerKill: Scenario = {
  name: 'broker-kill',
  title: 'kill -9 of a broker that leads partitions, again and again; it comes back after a while',
  async inject(stage) {
    while (!stage.isOver()) {
      const { broker, leads } = await chooseLeader(stage);
      await stage.fault(
        `kill -9 of broker ${broker.id}, leader of ${leads} partitions of messages`,
        'leader',
        async () => {
          broker.kill('SIGKILL');
          await broker.ended(ENDED_MS_MAX);
          await stage.sleep(AWAY_MS);
          await broker.restart();
          await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
        },
      );
      await stage.sleep(REST_MS);
    }
  },
};
