// What the topics of a layout must be set to: one list, which create-topics.ts writes and check-topics.ts holds Kafka to.
import { TOPICS, type TopicLayout, type TopicName, topicOf } from '../../../events/topics.ts';
import { BATCH_BYTES_MAX } from './produce-lane.ts';

/** `inbox` can be rebuilt from `messages` as a new epoch; the other two are kept. */
const INBOX_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export interface TopicProfile {
  readonly replication: number;
  /** Replicas that must have a record before it is acknowledged. */
  readonly min_insync: number;
}

/** Three copies, two of them before an acknowledgement: any one broker may be lost, or be down for an upgrade. */
export const PRODUCTION_TOPICS: TopicProfile = { replication: 3, min_insync: 2 };
export const DEVELOPMENT_TOPICS: TopicProfile = { replication: 1, min_insync: 1 };

export interface WantedTopic {
  readonly name: string;
  readonly partitions: number;
  /** Settings that must have exactly this value. */
  readonly settings: Readonly<Record<string, string>>;
}

export function wantedTopics(layout: TopicLayout): readonly WantedTopic[] {
  return (Object.keys(TOPICS) as TopicName[]).map((topic) => ({
    name: topicOf(layout, topic),
    partitions: layout.partitions[topic],
    settings: {
      'message.timestamp.type': 'LogAppendTime',
      'cleanup.policy': 'delete',
      'retention.ms': topic === 'inbox' ? String(INBOX_RETENTION_MS) : '-1',
      'retention.bytes': '-1',
    },
  }));
}

/** Settings that may be anything but harmful. */
export interface SettingRule {
  readonly setting: string;
  readonly wanted: string;
  readonly accepts: (found: string) => boolean;
}

export const SETTING_RULES: readonly SettingRule[] = [
  {
    setting: 'compression.type',
    wanted: 'producer or uncompressed (the broker is not to compress what we sent)',
    accepts: (found) => found === 'producer' || found === 'uncompressed',
  },
  {
    setting: 'max.message.bytes',
    wanted: `at least ${BATCH_BYTES_MAX}`,
    accepts: (found) => Number(found) >= BATCH_BYTES_MAX,
  },
];

/** Only in production: elsewhere one broker is enough. */
export const PRODUCTION_RULES: readonly SettingRule[] = [
  {
    setting: 'min.insync.replicas',
    wanted: 'at least 2',
    accepts: (found) => Number(found) >= PRODUCTION_TOPICS.min_insync,
  },
  { setting: 'unclean.leader.election.enable', wanted: 'false', accepts: (found) => found === 'false' },
];
