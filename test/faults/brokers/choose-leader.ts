// Whom a fault hits: a broker that leads partitions of `messages`, so that sends notice.
import { CLUSTER_LAYOUT, type TopicName, topicOf } from '../../../services/events/topics.ts';
import type { Stage } from '../scenario.ts';
import type { Broker } from './brokers.ts';

export interface Leader {
  readonly broker: Broker;
  /** How many partitions of `messages` it leads. */
  readonly leads: number;
}

/** One of those that lead any, by the stage's seed. @throws Error when no broker answers, or none leads */
export async function chooseLeader(stage: Stage): Promise<Leader> {
  const leaders = (await leadersOf(stage)).filter(({ leads }) => leads > 0);
  const chosen = leaders[Math.floor(stage.random() * leaders.length)];
  if (chosen === undefined) throw new Error(`no broker leads any partition of ${topicName(stage, 'messages')}`);
  return chosen;
}

/** All brokers. @throws Error when none answers */
export async function leadersOf(stage: Stage): Promise<Leader[]> {
  const topic = topicName(stage, 'messages');
  const views = await stage.brokers.partitions();
  return stage.brokers.nodes.map((broker) => {
    const led = views.filter((view) => view.topic === topic && view.leader === broker.id);
    return { broker, leads: led.length };
  });
}

/** As Kafka calls it in this installation. */
export function topicName({ cluster }: Stage, topic: TopicName): string {
  return topicOf({ ...CLUSTER_LAYOUT, prefix: cluster.prefix }, topic);
}
