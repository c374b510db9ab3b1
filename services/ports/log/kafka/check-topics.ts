// A start is refused on topics that would break a rule: other partition counts move keys (R10), time that senders set
// changes decisions (R1), compaction makes holes (R8), retention forgets, one copy is none.
import kafkajs, { type Admin } from 'kafkajs';
import type { TopicLayout } from '../../../events/topics.ts';
import { kafkaErrorOf } from './kafka-client.ts';
import { type TopicAdminOptions, withAdmin } from './topic-admin.ts';
import {
  PRODUCTION_RULES,
  PRODUCTION_TOPICS,
  SETTING_RULES,
  type WantedTopic,
  wantedTopics,
} from './topic-settings.ts';

export interface TopicFinding {
  readonly topic: string;
  /** A topic's setting as Kafka calls it; or `topic`, `partitions`, `replication factor`. */
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
}

/** The topics are not what this version was made for. */
export class TopicSettingsError extends Error {
  readonly findings: readonly TopicFinding[];

  constructor(findings: readonly TopicFinding[]) {
    const sentences = findings.map(
      ({ topic, setting, found, wanted }) => `topic ${topic}: ${setting} is ${found}, wanted is ${wanted}`,
    );
    super(`${sentences.join('; ')}.`);
    this.name = 'TopicSettingsError';
    this.findings = findings;
  }
}

export interface CheckTopicsOptions extends TopicAdminOptions {
  readonly layout: TopicLayout;
  readonly production: boolean;
}

/** @throws TopicSettingsError naming everything that differs */
export async function checkTopics(options: CheckTopicsOptions): Promise<void> {
  const findings = await withAdmin(options, async (admin) => {
    const found: TopicFinding[] = [];
    // One at a time: asked for all topics, kafkajs stumbles over a stranger's topic that has no leader.
    for (const wanted of wantedTopics(options.layout))
      found.push(...(await findingsOf(admin, wanted, options.production)));
    return found;
  });
  if (findings.length > 0) throw new TopicSettingsError(findings);
}

async function findingsOf(
  admin: Admin,
  { name, partitions, settings }: WantedTopic,
  production: boolean,
): Promise<readonly TopicFinding[]> {
  const configuration = await configurationOf(admin, name);
  if (configuration === null) return [{ topic: name, setting: 'topic', found: 'missing', wanted: 'present' }];
  const findings: TopicFinding[] = [];
  const differs = (setting: string, found: string, wanted: string) =>
    findings.push({ topic: name, setting, found, wanted });

  const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
  const metadata = topics[0]?.partitions ?? [];
  if (metadata.length !== partitions) differs('partitions', String(metadata.length), String(partitions));
  const replication = Math.min(...metadata.map(({ replicas }) => replicas.length));
  if (production && replication < PRODUCTION_TOPICS.replication)
    differs('replication factor', String(replication), `at least ${PRODUCTION_TOPICS.replication}`);

  const settingOf = (setting: string) => configuration.get(setting) ?? 'not told';
  for (const [setting, wanted] of Object.entries(settings))
    if (settingOf(setting) !== wanted) differs(setting, settingOf(setting), wanted);
  for (const { setting, wanted, accepts } of production ? [...SETTING_RULES, ...PRODUCTION_RULES] : SETTING_RULES)
    if (!accepts(settingOf(setting))) differs(setting, settingOf(setting), wanted);
  return findings;
}

/** Every setting that is in force for the topic, the server's defaults included; null when there is no such topic. */
async function configurationOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (error) {
    if (kafkaErrorOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null;
    throw error;
  }
}
