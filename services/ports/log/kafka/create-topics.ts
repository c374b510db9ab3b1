// Creates the topics of a layout. Those that exist already are left as they are: check-topics.ts judges them.
import type { Admin } from 'kafkajs';
import type { TopicLayout } from '../../../events/topics.ts';
import { type Runtime, sleep } from '../../../kernel/runtime.ts';
import { type TopicAdminOptions, withAdmin } from './topic-admin.ts';
import { type TopicProfile, wantedTopics } from './topic-settings.ts';

export interface CreateTopicsOptions extends TopicAdminOptions {
  readonly layout: TopicLayout;
  readonly profile: TopicProfile;
  readonly runtime: Runtime;
}

/** Some milliseconds as a rule, a second on a machine that is busy. */
const IN_OFFICE_ATTEMPTS_MAX = 100;
const IN_OFFICE_PAUSE_MS = 50;

/**
 * The names of the topics that were created; their leaders are in office then.
 * @throws what Kafka says against it, for instance too few brokers
 */
export async function createTopics(options: CreateTopicsOptions): Promise<readonly string[]> {
  const { layout, profile } = options;
  return withAdmin(options, async (admin) => {
    const created: string[] = [];
    for (const { name, partitions, settings } of wantedTopics(layout)) {
      const entries = {
        ...settings,
        'min.insync.replicas': String(profile.min_insync),
        'unclean.leader.election.enable': 'false',
      };
      const isNew = await admin.createTopics({
        waitForLeaders: false,
        topics: [
          {
            topic: name,
            numPartitions: partitions,
            replicationFactor: profile.replication,
            configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
          },
        ],
      });
      if (isNew) created.push(name);
    }
    for (const name of created) await untilInOffice(admin, name, options.runtime);
    return created;
  });
}

/** A broker hears of a topic, and that it leads it, some time after the controller decided so. */
async function untilInOffice(admin: Admin, topic: string, runtime: Runtime): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.fetchTopicOffsets(topic);
      return;
    } catch (error) {
      if (attempt === IN_OFFICE_ATTEMPTS_MAX) throw error;
      await sleep(runtime, IN_OFFICE_PAUSE_MS);
    }
  }
}
