// Which process says that it has which partitions, by its own metrics.
import type { Cluster } from '../../infra/local/cluster/index.ts';
import { CLUSTER_LAYOUT, CONSUMER_GROUPS, topicOf } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { waitUntil } from './ledger/index.ts';

export type Stage = 'fanout' | 'inbox';

export const PARTITIONS = CLUSTER_LAYOUT.partitions.messages;
const ANSWER_MS_MAX = 2_000;

/** By name of the process; one that does not answer is not in it. */
export async function ownersOf(cluster: Cluster, stage: Stage): Promise<ReadonlyMap<string, readonly number[]>> {
  const all = cluster.processes().filter(({ role, state }) => role === stage && state !== 'stopped');
  const answers = await Promise.all(
    all.map(async ({ name, operationsPort }) => [name, await read(operationsPort)] as const),
  );
  return new Map(answers.flatMap(([name, partitions]) => (partitions === null ? [] : [[name, partitions] as const])));
}

/** Resolves with how long it took until the processes of the stage share all partitions, each once and some each. */
export async function untilShared(cluster: Cluster, stage: Stage, processes: number, wait_ms: number): Promise<number> {
  let owners: ReadonlyMap<string, readonly number[]> = new Map();
  const isShared = async () => {
    owners = await ownersOf(cluster, stage);
    const partitions = [...owners.values()];
    const everyone = partitions.length === processes && partitions.every(({ length }) => length > 0);
    const taken = partitions.flat();
    return everyone && taken.length === PARTITIONS && new Set(taken).size === PARTITIONS;
  };
  const found = () => JSON.stringify([...owners]);
  return waitUntil(() => `${processes} of ${stage} share the partitions, ${found()}`, isShared, wait_ms);
}

/** How many members the stage's consumer group has, as Kafka knows it. */
export async function membersOf({ kafka, prefix }: Cluster, stage: Stage): Promise<number> {
  const topic = topicOf({ ...CLUSTER_LAYOUT, prefix }, stage === 'fanout' ? 'messages' : 'inbox');
  const group = `${CONSUMER_GROUPS[stage]}.${topic}`;
  return withAdmin({ brokers: kafka.split(','), logger: silentLogger }, async (admin) => {
    const { groups } = await admin.describeGroups([group]);
    return groups[0]?.members.length ?? 0;
  });
}

/** null: no answer. */
async function read(operationsPort: number): Promise<readonly number[] | null> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await fetch(`http://127.0.0.1:${operationsPort}/metrics`, { signal });
    // One sample a partition that the process has, from the moment it has it.
    const samples = (await response.text()).matchAll(/^fanlog_canary_age_seconds\{[^}]*partition="(\d+)"/gm);
    return Array.from(samples, ([, partition]) => Number(partition)).sort((a, b) => a - b);
  } catch {
    return null;
  }
}
