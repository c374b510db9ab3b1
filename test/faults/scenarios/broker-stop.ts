// A broker freezes for longer than the others wait for it, and goes on as if nothing had been, still believing that it
// leads. What it acknowledges then would be lost; so it must not.
import { chooseLeader } from '../brokers/choose-leader.ts';
import { IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario } from '../scenario.ts';

/** Its session is 3 s; and longer than sends may take to be back. */
const STOPPED_MS = 12_000;
const REST_MS = 3_000;

export const brokerStop: Scenario = {
  name: 'broker-stop',
  title: 'SIGSTOP of a broker that leads partitions, for four times its session, then CONT',
  async inject(stage) {
    while (!stage.isOver()) {
      const { broker, leads } = await chooseLeader(stage);
      await stage.fault(
        `SIGSTOP of broker ${broker.id}, leader of ${leads} partitions of messages`,
        'leader',
        async () => {
          broker.kill('SIGSTOP');
          try {
            await stage.sleep(STOPPED_MS);
          } finally {
            broker.kill('SIGCONT');
          }
          await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
        },
      );
      await stage.sleep(REST_MS);
    }
  },
};
