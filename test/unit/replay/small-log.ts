// A log in memory with a history in it, and what the two stages make of it: for tests of rebuilding.
//
// `messages` has three partitions whose times interleave; `inbox` is what a fanout stage would append, in an order of its
// own: partition after partition in turns, not by time.
import {
  decodeMessagesRecord,
  encodeInboxRecord,
  encodeMessagesRecord,
  encodeTimelineEvent,
} from '../../../services/events/codec.ts';
import type { Command } from '../../../services/events/commands.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import { partitionOf } from '../../../services/events/partition.ts';
import { positionOf } from '../../../services/events/position.ts';
import type { TopicName } from '../../../services/events/topics.ts';
import { type ConversationState, foldOfVersion, unbornConversation } from '../../../services/fanout/folding.ts';
import { RecipientRouter } from '../../../services/fanout/route-recipients.ts';
import { type EventLog, type LogRecord, OffsetOutOfRangeError } from '../../../services/ports/log/event-log.ts';
import { commandId } from '../fanout/random-commands.ts';

export const PARTITIONS = { messages: 3, timeline: 3, inbox: 2 };
const START = 1_700_000_000_000;
const USERS = ['ada', 'bea', 'cal', 'dan', 'eve', 'fay'];
const GROUPS = ['1', '2', '3', '4'].map((digit) => `g:${digit.repeat(32)}`);
const origin = { node: 'n', incarnation: 'i', session: 1, request: 1 };

type Topic = Extract<TopicName, 'messages' | 'inbox'>;
export type SmallLog = Pick<EventLog, 'readFrom' | 'startOffset' | 'endOffset' | 'layout'> & {
  readonly records: Readonly<Record<Topic, LogRecord[][]>>;
};

/** `seed`: another history each. */
export function smallLog(seed: number, commands: number): SmallLog {
  const random = randomOf(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const records = { messages: lists(PARTITIONS.messages), inbox: lists(PARTITIONS.inbox) };
  let time = START;
  for (let i = 0; i < commands; i++) {
    time += Math.floor(random() * 40);
    const command = commandOf(i, time, pick, random);
    const list = records.messages[partitionOf(command.conversationId, PARTITIONS.messages)]!;
    // Clocks of partitions differ a little.
    const appendTime = time + (list === records.messages[1] ? 15 : 0);
    push(list, appendTime, command.conversationId, encodeMessagesRecord(command));
  }
  appendInbox(records);
  const layout = { generation: 1, partitions: PARTITIONS };
  const listOf = (topic: TopicName, partition: number) => records[topic as Topic][partition]!;
  return {
    records,
    layout,
    readFrom: async (topic, partition, offset, records_max) => {
      const list = listOf(topic, partition);
      if (offset > list.length) throw new OffsetOutOfRangeError(topic, partition, offset);
      return list.slice(offset, offset + Math.min(records_max, 7));
    },
    startOffset: async () => 0,
    endOffset: async (topic, partition) => listOf(topic, partition).length,
  };
}

function commandOf(i: number, time: number, pick: <T>(items: readonly T[]) => T, random: () => number): Command {
  const group = GROUPS[i];
  const base = { sender: group === undefined ? pick(USERS) : 'ada', commandId: commandId(time, i), origin };
  if (group !== undefined) {
    const members = ['bea', 'cal', 'dan'];
    return { type: 'CreateConversation', ...base, conversationId: group, title: 'T', memberLimit: 6, members };
  }
  const what = random();
  const conversationId = pick(GROUPS);
  if (what < 0.06) return { type: 'AddMembers', ...base, sender: 'ada', conversationId, members: [pick(USERS)] };
  if (what < 0.1) return { type: 'RemoveMember', ...base, sender: 'ada', conversationId, member: pick(USERS.slice(1)) };
  if (what < 0.12) return { type: 'LeaveConversation', ...base, conversationId };
  const other = USERS[(USERS.indexOf(base.sender) + 1) % USERS.length]!;
  const to = random() < 0.5 ? conversationId : directConversationId(base.sender, other);
  const payload = new TextEncoder().encode(`text ${i}`);
  return { type: 'SendMessage', ...base, conversationId: to, contentType: 'text/plain', keyId: null, payload };
}

/** By turns, a few commands of each partition: the interleaving of three fanout processors. Now and then a repeat. */
function appendInbox(records: Record<Topic, LogRecord[][]>): void {
  const router = new RecipientRouter(PARTITIONS.inbox);
  const states = new Map<string, ConversationState>();
  const next = records.messages.map(() => 0);
  for (let turn = 0; next.some((at, partition) => at < records.messages[partition]!.length); turn++) {
    const partition = turn % PARTITIONS.messages;
    for (let i = 0; i < 5 && next[partition]! < records.messages[partition]!.length; i++) {
      const { offset, appendTime, command } = commandAt(records.messages[partition]!, next[partition]!++);
      const state = states.get(command.conversationId) ?? unbornConversation(command.conversationId);
      states.set(command.conversationId, state);
      const position = positionOf(1, offset);
      const { event, recipients, joined, ended } = foldOfVersion(1)!(state, command, { position, appendTime });
      if (event === null) continue;
      for (const group of router.group(recipients)) {
        const value = encodeInboxRecord({
          type: 'InboxEntries',
          sourcePartition: partition,
          sourcePosition: position,
          conversationId: event.conversationId,
          seq: event.seq,
          kind: event.type,
          time: event.time,
          recipients: group.users,
          joined: joined.filter((user) => group.users.includes(user)),
          left: ended.filter(({ user }) => group.users.includes(user)),
          event: encodeTimelineEvent(event),
        });
        const copies = turn % 11 === 10 ? 2 : 1; // an append whose answer was lost stands there twice
        for (let copy = 0; copy < copies; copy++)
          push(records.inbox[group.partition]!, appendTime + 1, event.conversationId, value);
      }
    }
  }
}

function commandAt(list: readonly LogRecord[], offset: number) {
  const { appendTime, value } = list[offset]!;
  return { offset, appendTime, command: decodeMessagesRecord(value) as Command };
}

function push(list: LogRecord[], appendTime: number, key: string, value: Uint8Array): void {
  list.push({ offset: list.length, appendTime, key, value: Uint8Array.from(value) });
}

function lists(count: number): LogRecord[][] {
  return Array.from({ length: count }, () => []);
}

/** Mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
