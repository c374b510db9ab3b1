// Somebody sets the offsets of a consumer group by hand, back to the earliest or on to the latest, while its processors are
// stopped. Our own checkpoint leads, so nothing is decided or delivered again, and nothing is passed over.
import { CONSUMER_GROUPS } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { withAdmin } from '../../../services/ports/log/kafka/topic-admin.ts';
import { waitUntil } from '../../cluster/ledger/index.ts';
import { topicName } from '../brokers/choose-leader.ts';
import type { Scenario, Stage } from '../scenario.ts';

// Kafka lets a group's offsets be set only when it has no members: a session of 6 s after they were stopped.
const EMPTY_MS_MAX = 60_000;
const ASK_MS = 500;
const REST_MS = 2_000;

const GROUPS = [
  { role: 'fanout', topic: 'messages' },
  { role: 'inbox', topic: 'inbox' },
] as const;
const ENDS = ['earliest', 'latest'] as const;

export const offsetsReset: Scenario = {
  name: 'offsets-reset',
  title: 'offsets of a consumer group set by hand to the earliest and the latest, while its processors are stopped',
  async inject(stage) {
    for (let turn = Math.floor(stage.random() * 4); !stage.isOver(); turn++) {
      const group = GROUPS[turn % 2]!;
      const end = ENDS[Math.floor(turn / 2) % 2]!;
      const label = `offsets of ${group.role} set to the ${end}`;
      await stage.fault(label, 'other', () => whileStopped(stage, group.role, () => reset(stage, group, end)));
      await stage.recovered();
      await stage.sleep(REST_MS);
    }
  },
};

async function whileStopped(stage: Stage, role: string, act: () => Promise<void>): Promise<void> {
  const { cluster } = stage;
  const names = cluster
    .processes()
    .filter((process) => process.role === role && process.state !== 'stopped')
    .map(({ name }) => name);
  for (const name of names) cluster.kill(name, 'SIGSTOP');
  try {
    await act();
  } finally {
    for (const name of names) cluster.kill(name, 'SIGCONT');
  }
}

async function reset(
  stage: Stage,
  { role, topic }: (typeof GROUPS)[number],
  end: (typeof ENDS)[number],
): Promise<void> {
  const name = topicName(stage, topic);
  const groupId = `${CONSUMER_GROUPS[role]}.${name}`;
  await withAdmin({ brokers: stage.cluster.kafka.split(','), logger: silentLogger }, async (admin) => {
    const isEmpty = async () => {
      const { groups } = await admin.describeGroups([groupId]);
      if (groups[0]?.state === 'Empty') return true;
      await stage.sleep(ASK_MS);
      return false;
    };
    await waitUntil(`the members of ${groupId} are given up`, isEmpty, EMPTY_MS_MAX);
    const ends = await admin.fetchTopicOffsets(name);
    const partitions = ends.map(({ partition, low, high }) => ({ partition, offset: end === 'earliest' ? low : high }));
    await admin.setOffsets({ groupId, topic: name, partitions });
    const [found] = await admin.fetchOffsets({ groupId, topics: [name] });
    const wanted = new Map(partitions.map(({ partition, offset }) => [partition, offset]));
    const wrong = found?.partitions.filter(({ partition, offset }) => wanted.get(partition) !== offset) ?? partitions;
    if (wrong.length > 0) throw new Error(`the offsets of ${groupId} were not set: ${JSON.stringify(wrong)}`);
  });
}
