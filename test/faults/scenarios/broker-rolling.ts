// An upgrade of the brokers, as operators do it: one after the other, each only when all copies are in sync again.
import { ENDED_MS_MAX, IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario } from '../scenario.ts';

const REST_MS = 2_000;

export const brokerRolling: Scenario = {
  name: 'broker-rolling',
  title: 'orderly restart of one broker after the other, each when all copies are in sync',
  async inject(stage) {
    while (!stage.isOver()) {
      for (const broker of stage.brokers.nodes) {
        await stage.fault(`orderly restart of broker ${broker.id}`, 'leader', async () => {
          broker.kill('SIGTERM');
          await broker.ended(ENDED_MS_MAX);
          await broker.restart();
          await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
        });
        await stage.sleep(REST_MS);
        if (stage.isOver()) break;
      }
    }
  },
};
