// A log (of a seed, or what a real one holds) replayed through the reference: what every row, record, push and pull must
// agree with.
import { decodeInboxRecord, decodeMessagesRecord, decodeTimelineEvent } from '../../../services/events/codec.ts';
import type { Command } from '../../../services/events/commands.ts';
import { partitionOf } from '../../../services/events/partition.ts';
import { positionOf } from '../../../services/events/position.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import type { TopicLayout, TopicName } from '../../../services/events/topics.ts';
import type { LogRecord } from '../../../services/ports/log/event-log.ts';
import type { Numberings } from './numberings.ts';
import { nameOf, type Pointer } from './pointer.ts';
import { type ExpectedEvent, type ExpectedOutcome, ReferenceConversation } from './reference-decider.ts';
import type { Violations } from './violations.ts';

/** Every record from the beginning. */
export interface LogToReplay {
  readonly layout: TopicLayout;
  partitions(topic: TopicName): readonly { readonly number: number; readonly records: readonly LogRecord[] }[];
}

export interface DecidedCommand {
  readonly command: Command;
  readonly partition: number;
  readonly offset: number;
  readonly outcome: ExpectedOutcome;
}

export class ReplayedLog {
  readonly conversations = new Map<string, ReferenceConversation>();
  /** Every command of `messages`, by sender and command id, in the order of the log. */
  readonly commands = new Map<string, DecidedCommand[]>();
  /** What each inbox holds: inboxSeq n of the first epoch stands at index n - 1. */
  readonly inboxes = new Map<string, Pointer[]>();
  readonly #sends = new Map<string, DecidedCommand[]>();
  readonly #log: LogToReplay;
  readonly #violations: Violations;
  readonly #numberings: Numberings | null;
  readonly #numbered = new Map<string, readonly Pointer[]>();

  /** `numberings`: null where there is one epoch only. */
  constructor(log: LogToReplay, violations: Violations, numberings: Numberings | null = null) {
    this.#log = log;
    this.#numberings = numberings;
    this.#violations = violations;
    this.#replayMessages();
    this.#checkTimelineTopic();
    this.#replayInbox();
    if (numberings !== null) for (const epoch of numberings.epochs) this.#checkBeginnings(epoch, numberings);
  }

  /** What the user's inbox holds in that epoch; none given: in the order of the topic. */
  inbox(user: string, epoch?: number): readonly Pointer[] {
    const inbox = this.inboxes.get(user) ?? [];
    if (epoch === undefined || this.#numberings === null) return inbox;
    const key = `${epoch} ${user}`;
    let numbered = this.#numbered.get(key);
    if (numbered === undefined) {
      numbered = this.#numberings.numbered(epoch, user, inbox);
      this.#numbered.set(key, numbered);
    }
    return numbered;
  }

  /** What became of the sends of `user` with this payload, in the order of the log. */
  sendsOf(user: string, payload: string): readonly DecidedCommand[] {
    return this.#sends.get(`${user} ${payload}`) ?? [];
  }

  event({ conversationId, seq }: Pointer): ExpectedEvent | undefined {
    return this.conversations.get(conversationId)?.events[seq - 1];
  }

  #replayMessages(): void {
    for (const partition of this.#log.partitions('messages')) {
      for (const { offset, appendTime, value } of partition.records) {
        const record = decodeMessagesRecord(value);
        if (!('conversationId' in record)) continue;
        const conversation = this.#conversation(record.conversationId);
        if (partitionOf(record.conversationId, this.#log.layout.partitions.messages) !== partition.number) {
          this.#violations.add(`a command of ${record.conversationId} stands in messages/${partition.number}`);
        }
        const outcome = conversation.decide(record, positionOf(this.#log.layout.generation, offset), appendTime);
        const key = commandKey(record.sender, record.commandId);
        const decided = { command: record, partition: partition.number, offset, outcome };
        add(this.commands, key, decided);
        if (record.type === 'SendMessage') {
          add(this.#sends, `${record.sender} ${Buffer.from(record.payload).toString()}`, decided);
        }
      }
    }
  }

  #checkTimelineTopic(): void {
    const seen = new Map<string, number>();
    for (const partition of this.#log.partitions('timeline')) {
      for (const { value, offset } of partition.records) {
        const event = decodeTimelineEvent(value);
        const where = `timeline/${partition.number} at ${offset}`;
        this.checkEvent(event, where);
        const last = seen.get(event.conversationId) ?? 0;
        if (event.seq > last + 1) {
          this.#violations.add(`${where}: ${nameOf(event)} comes after seq ${last}`, 'out_of_order');
        }
        if (event.seq > last) seen.set(event.conversationId, event.seq);
      }
    }
    for (const { id, events } of this.conversations.values()) {
      const last = seen.get(id) ?? 0;
      if (last !== events.length) {
        const kind = last < events.length ? 'lost' : 'other';
        this.#violations.add(`the topic timeline ends ${id} at ${last}, not ${events.length}`, kind);
      }
    }
  }

  /** Whether an event found anywhere is the one that was decided. */
  checkEvent(event: TimelineEvent, where: string): void {
    const expected = this.event(event);
    if (expected === undefined) {
      this.#violations.add(`${where}: ${nameOf(event)} was never decided`);
      return;
    }
    const found = describe(event);
    const wanted = describeExpected(expected);
    if (found === wanted) return;
    this.#violations.add(`${where}: ${nameOf(event)} is ${found}, decided was ${wanted}`, 'renumbered');
  }

  /** R5 by hand: per source partition, positions at or below the last are repeats. */
  #replayInbox(): void {
    const received = new Map<string, Set<string>>();
    for (const partition of this.#log.partitions('inbox')) {
      const last = new Map<number, number>();
      for (const { value, offset } of partition.records) {
        const record = decodeInboxRecord(value);
        if (record.type !== 'InboxEntries') continue;
        const where = `inbox/${partition.number} at ${offset}`;
        this.checkEvent(decodeTimelineEvent(record.event), where);
        const expected = this.event(record);
        const wanted = (expected?.recipients ?? []).filter((user) => this.#inboxPartitionOf(user) === partition.number);
        if (expected?.position !== record.sourcePosition || [...record.recipients].sort().join() !== wanted.join()) {
          this.#violations.add(`${where}: ${nameOf(record)} goes to ${record.recipients}, not to ${wanted}`);
        }
        if (record.sourcePosition <= (last.get(record.sourcePartition) ?? -1)) continue;
        last.set(record.sourcePartition, record.sourcePosition);
        for (const user of record.recipients) {
          const inbox = this.inboxes.get(user) ?? [];
          inbox.push({ conversationId: record.conversationId, seq: record.seq });
          this.inboxes.set(user, inbox);
          const users = received.get(nameOf(record)) ?? new Set();
          if (users.has(user)) this.#violations.add(`${where}: ${user} gets ${nameOf(record)} twice`, 'repeated');
          received.set(nameOf(record), users.add(user));
        }
      }
    }
    for (const { events } of this.conversations.values()) {
      for (const event of events) {
        const missing = event.recipients.filter((user) => !received.get(nameOf(event))?.has(user));
        if (missing.length === 0) continue;
        this.#violations.add(`the topic inbox never gives ${nameOf(event)} to ${missing}`, 'lost');
      }
    }
  }

  /** Other numbers, of the same entries. */
  #checkBeginnings(epoch: number, numberings: Numberings): void {
    for (const [user, inbox] of this.inboxes) {
      const names = new Set(inbox.map(nameOf));
      const wrong = numberings.beginning(epoch, user).find((pointer) => !names.delete(nameOf(pointer)));
      if (wrong !== undefined) this.#violations.add(`epoch ${epoch} begins for ${user} with ${nameOf(wrong)}`);
    }
  }

  #inboxPartitionOf(user: string): number {
    return partitionOf(user, this.#log.layout.partitions.inbox);
  }

  #conversation(id: string): ReferenceConversation {
    let conversation = this.conversations.get(id);
    if (conversation === undefined) {
      conversation = new ReferenceConversation(id);
      this.conversations.set(id, conversation);
    }
    return conversation;
  }
}

function add<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

export function commandKey(sender: string, commandId: string): string {
  return `${sender} ${commandId}`;
}

export function describeExpected(event: ExpectedEvent): string {
  const { type, ordinal, sender, commandId, time, position, detail } = event;
  return [type, ordinal, sender, commandId, time, position, detail].join(' ');
}

function describe(event: TimelineEvent): string {
  const { type, ordinal, sender, commandId, time, position } = event;
  return [type, ordinal, sender, commandId, time, position, detailOf(event)].join(' ');
}

function detailOf(event: TimelineEvent): string {
  switch (event.type) {
    case 'MessageSent':
      return Buffer.from(event.payload).toString();
    case 'ConversationCreated':
    case 'MembersAdded':
      return event.members.join();
    case 'MemberRemoved':
      return event.member;
    case 'MemberLeft':
      return event.successor ?? '';
  }
}
