// Two of three brokers are gone: what is left must acknowledge nothing, as a third of the copies is not two.
//
//   both dead ──────────── silence: only refusals ───────────┬── restart of both
//        └ whatever leaves from here on has no receipt       └ from here on copies may be two again
//
// Both die at once. The one that is left may still count them among those in sync, and waits for them in vain; or it has
// heard that they are gone, and refuses. In between there is nothing: a follower that is dead has copied nothing more. A
// receipt that comes later may be of a send that left before: that is why sends are looked at by when they left.
import { ENDED_MS_MAX, IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario, Stage } from '../scenario.ts';

const SILENCE_MS = 14_000;
const REST_MS = 5_000;

export const brokerTwoDown: Scenario = {
  name: 'broker-two-down',
  title: 'kill -9 of two brokers at once: sends are refused and none is acknowledged while they are gone',
  async inject(stage) {
    const { nodes } = stage.brokers;
    while (!stage.isOver()) {
      const left = nodes[Math.floor(stage.random() * nodes.length)]!;
      const victims = nodes.filter((broker) => broker !== left);
      await stage.fault(`kill -9 of all brokers but ${left.id}`, 'other', async () => {
        for (const broker of victims) broker.kill('SIGKILL');
        await Promise.all(victims.map((broker) => broker.ended(ENDED_MS_MAX)));
        await silence(stage);
        await Promise.all(victims.map((broker) => broker.restart()));
        await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
      });
      await stage.sleep(REST_MS);
    }
  },
};

async function silence(stage: Stage): Promise<void> {
  const { acceptedSentAt_ms, refusals } = stage.load.observations;
  const deadAt_ms = performance.now();
  const [acceptedBefore, refusedBefore] = [acceptedSentAt_ms.length, refusals.length];
  await stage.sleep(SILENCE_MS);
  const accepted = acceptedSentAt_ms.slice(acceptedBefore).filter((sentAt_ms) => sentAt_ms > deadAt_ms).length;
  const refused = refusals.slice(refusedBefore).filter(({ what }) => what === 'send').length;
  if (accepted > 0) stage.fail(`${accepted} sends were acknowledged while two of three brokers were down`);
  if (refused === 0) stage.fail('no send was refused while two of three brokers were down');
}
