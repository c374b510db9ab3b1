// Two of three brokers are gone: what is left must acknowledge nothing, as a third of the copies is not two.
//
//   both dead ── grace ──┬────────── silence: no receipt, only refusals ──────────┬── restart of both
//                        └ receipts that were under way have come                 └ from here copies may be two again
//
// Both die at once. The one that is left may still count them among those in sync, and waits for them in vain; or it has
// heard that they are gone, and refuses. In between there is nothing: a follower that is dead has copied nothing more.
import { ENDED_MS_MAX, IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario, Stage } from '../scenario.ts';

/** Receipts on their way through broker, edge and socket to a client, on a machine where everything is busy. */
const GRACE_MS = 2_000;
const SILENCE_MS = 12_000;
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
        await stage.sleep(GRACE_MS);
        await silence(stage);
        await Promise.all(victims.map((broker) => broker.restart()));
        await stage.brokers.untilInSync(IN_SYNC_MS_MAX);
      });
      await stage.sleep(REST_MS);
    }
  },
};

async function silence(stage: Stage): Promise<void> {
  const { acceptedAt_ms, refusals } = stage.load.observations;
  const [acceptedBefore, refusedBefore] = [acceptedAt_ms.length, refusals.length];
  await stage.sleep(SILENCE_MS);
  const accepted = acceptedAt_ms.length - acceptedBefore;
  const refused = refusals.slice(refusedBefore).filter(({ what }) => what === 'send').length;
  if (accepted > 0) stage.fail(`${accepted} sends were acknowledged while two of three brokers were down`);
  if (refused === 0) stage.fail('no send was refused while two of three brokers were down');
}
