// The topics and who reads them. Partition counts are frozen with a generation (R10); `schemas/topics.json` says the same
// to people outside, and a test holds the two together.

export const TOPICS = { messages: 'messages', timeline: 'timeline', inbox: 'inbox' } as const;
export type TopicName = keyof typeof TOPICS;

/** What one generation of the three topics is called and how many partitions each has. */
export interface TopicLayout {
  /** 1 for the first; rises when topics are resized, moved or re-created. */
  readonly generation: number;
  /** Before each topic's name on a Kafka that several installations share; none by default. */
  readonly prefix?: string;
  readonly partitions: { readonly [T in TopicName]: number };
}

export const EMBEDDED_LAYOUT: TopicLayout = { generation: 1, partitions: { messages: 4, timeline: 4, inbox: 4 } };
export const CLUSTER_LAYOUT: TopicLayout = { generation: 1, partitions: { messages: 16, timeline: 16, inbox: 16 } };

/** `messages` in generation 1 is the topic `messages.g1`. */
export function topicOf(layout: TopicLayout, name: TopicName): string {
  return `${layout.prefix ?? ''}${TOPICS[name]}.g${layout.generation}`;
}

export const CONSUMER_GROUPS = { fanout: 'fanlog.fanout', inbox: 'fanlog.inbox' } as const;
