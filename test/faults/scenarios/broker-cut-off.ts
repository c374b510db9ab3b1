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
    let asked = 0;
    try {
      while (!stage.isOver()) {
        const { broker, leads } = await chooseLeader(stage);
        // While all is well it acknowledges: so that its silence afterwards says something.
        const partition = await probe.partitionOf(broker);
        const before = partition === null ? null : await probe.acknowledges(broker, partition);
        if (before === true) asked++;
        else if (partition !== null) stage.fail(`broker ${broker.id} did not acknowledge before the cut: ${before}`);
        const label = `broker ${broker.id}, leader of ${leads} partitions of messages, is cut off from the others`;
        await stage.fault(label, 'leader', async () => {
          await brokers.network!.cutOff(broker.id);
          try {
            await Promise.all([stage.sleep(CUT_OFF_MS), askInVain(stage, probe, broker, partition)]);
          } finally {
            await brokers.network!.heal(broker.id);
          }
          await brokers.untilInSync(IN_SYNC_MS_MAX);
        });
        await stage.sleep(REST_MS);
      }
      if (asked === 0) stage.fail('no broker that was cut off could be asked whether it acknowledges');
    } finally {
      await probe.remove();
    }
  },
};

/** From the cut on nobody copies what it has: not one record may be acknowledged. */
async function askInVain(stage: Stage, probe: ProbeTopic, broker: Broker, partition: number | null): Promise<void> {
  if (partition === null) return; // by its restarts and cuts before, it leads none of the probe's
  const until = performance.now() + CUT_OFF_MS / 2;
  while (performance.now() < until) {
    if ((await probe.acknowledges(broker, partition)) === true)
      stage.fail(`broker ${broker.id} acknowledged a record while it was cut off from all others`);
    await stage.sleep(500);
  }
}
