// The disk of a broker is full: it cannot write, gives its only log folder up, and ends. When there is room again it is
// started, and copies what it missed.
import { leadersOf } from '../brokers/choose-leader.ts';
import { ENDED_MS_MAX, IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario } from '../scenario.ts';

/** After its end: longer than sends may take to be back. */
const AWAY_MS = 10_000;
const REST_MS = 5_000;

export const fullDisk: Scenario = {
  name: 'full-disk',
  title: 'the disk of one broker is full until it ends by itself; then there is room, and it is started again',
  setting: { brokers: 'small-disk' },
  async inject(stage) {
    const disk = stage.brokers.disk!;
    const broker = stage.brokers.nodes.find(({ id }) => id === disk.id)!;
    while (!stage.isOver()) {
      const leads = (await leadersOf(stage)).find((leader) => leader.broker === broker)!.leads;
      const label = `not a byte is left on the disk of broker ${broker.id}, leader of ${leads} partitions of messages`;
      // A broker that leads nothing holds no sends up by itself.
      await stage.fault(label, leads > 0 ? 'leader' : 'other', async () => {
        disk.fill();
        try {
          await broker.ended(ENDED_MS_MAX);
          await stage.sleep(AWAY_MS);
        } finally {
          disk.makeRoom();
        }
        await broker.restart();
        await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
      });
      await stage.sleep(REST_MS);
    }
  },
};
