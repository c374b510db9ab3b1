// A broker loses the others, and not its clients: it goes on believing that it leads, tells everybody so, and takes what
// they send. It must acknowledge none of it, and clients must find those who lead now.
import type { Broker } from '../brokers/brokers.ts';
import { chooseLeader } from '../brokers/choose-leader.ts';
import { ProbeTopic } from '../brokers/probe-topic.ts';
import { IN_SYNC_MS_MAX } from '../brokers/waits.ts';
import type { Scenario, Stage } from '../scenario.ts';

const CUT_OFF_MS = 18_000;
const REST_MS = 5_000;

export const brokerCutOff: Scenario = {
  name: 'broker-cut-off',
  title: 'a broker that leads partitions is cut off from the others, not from clients; then the network heals',
  setting: { brokers: 'namespaces' },
  async inject(stage) {
    const { brokers } = stage;
    const probe = await ProbeTopic.create(brokers);
    try {
      while (!stage.isOver()) {
        const { broker, leads } = await chooseLeader(stage);
        const label = `broker ${broker.id}, leader of ${leads} partitions of messages, is cut off from the others`;
        await stage.fault(label, 'leader', async () => {
          await brokers.network!.cutOff(broker.id);
          try {
            await Promise.all([stage.sleep(CUT_OFF_MS), askInVain(stage, probe, broker)]);
          } finally {
            await brokers.network!.heal(broker.id);
          }
          await brokers.untilInSync(IN_SYNC_MS_MAX);
        });
        await stage.sleep(REST_MS);
      }
    } finally {
      await probe.remove();
    }
  },
};

/** From the cut on nobody copies what it has: not one record may be acknowledged. */
async function askInVain(stage: Stage, probe: ProbeTopic, broker: Broker): Promise<void> {
  const until = performance.now() + CUT_OFF_MS / 2;
  const partition = await probe.partitionOf(broker);
  if (partition === null) return; // by its restarts and cuts before, it leads none of this topic
  while (performance.now() < until) {
    if ((await probe.acknowledges(broker, partition)) === true)
      stage.fail(`broker ${broker.id} acknowledged a record while it was cut off from all others`);
    await stage.sleep(500);
  }
}
