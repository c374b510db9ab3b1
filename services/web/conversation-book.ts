// All conversations of one user, folded from two sources: the list that the api gives once, and the entries of the inbox
// that come after it. Whichever knows the higher seq is believed. No I/O, no clock.
import { usersOfDirect } from '../events/ids.ts';
import type { EventBody, PageStatus } from '../protocol/frames.ts';
import { ConversationLog } from './conversation-log.ts';

export type Role = 'owner' | 'admin' | 'member';

/** What the api says of a conversation. Fields that it leaves out are unknown. */
export interface Summary {
  readonly conversationId: string;
  readonly title?: string;
  readonly seq?: number;
  readonly ordinal?: number;
  readonly time?: number;
  readonly role?: Role | null;
  readonly leftSeq?: number | null;
}

export interface Conversation {
  readonly id: string;
  readonly kind: 'direct' | 'group';
  /** The other user of a direct conversation; oneself in a conversation with oneself. */
  readonly peer: string | null;
  /** Empty until it is known. */
  title: string;
  /** Null for who is no member (any more). */
  role: Role | null;
  /** The newest event known of, its count of messages and its time. */
  seq: number;
  ordinal: number;
  time: number;
  /** The ordinal of one's own newest message: whoever writes has read. */
  ownOrdinal: number;
  /** Up to which seq role and membership were told. */
  membershipSeq: number;
  readonly log: ConversationLog;
}

/** Events of a conversation kept when it is not open; the rest is in the history. */
const KEPT_EVENTS_MAX = 300;

export class ConversationBook {
  readonly #me: string;
  readonly #conversations = new Map<string, Conversation>();

  constructor(me: string) {
    this.#me = me;
  }

  get(id: string): Conversation | undefined {
    return this.#conversations.get(id);
  }

  /** The most recent first. */
  list(): Conversation[] {
    return [...this.#conversations.values()].sort((a, b) => b.time - a.time || (a.id < b.id ? -1 : 1));
  }

  /** The conversation with this id, known or not: a direct one exists as soon as somebody thinks of it. */
  open(id: string): Conversation {
    const known = this.#conversations.get(id);
    if (known !== undefined) return known;
    const users = usersOfDirect(id);
    const peer = users === null ? null : users[0] === this.#me ? users[1] : users[0];
    const conversation: Conversation = {
      id,
      kind: users === null ? 'group' : 'direct',
      peer,
      title: peer ?? '',
      role: users === null ? null : 'member',
      seq: 0,
      ordinal: 0,
      time: 0,
      ownOrdinal: 0,
      membershipSeq: 0,
      log: new ConversationLog(),
    };
    this.#conversations.set(id, conversation);
    return conversation;
  }

  addSummary(summary: Summary): void {
    const conversation = this.open(summary.conversationId);
    const seq = summary.seq ?? 0;
    if (conversation.kind === 'group') {
      if (summary.title) conversation.title = summary.title;
      if (summary.role !== undefined && seq >= conversation.membershipSeq) {
        conversation.membershipSeq = seq;
        conversation.role = summary.leftSeq == null ? summary.role : null;
      }
    }
    if (seq <= conversation.seq) return;
    conversation.seq = seq;
    conversation.ordinal = summary.ordinal ?? conversation.ordinal;
    conversation.time = summary.time ?? conversation.time;
  }

  /** An entry of the inbox. Returns whether it was new to this page. `isOpen`: keep everything of it. */
  addEntry(event: EventBody, isOpen = false): boolean {
    const conversation = this.open(event.conversationId);
    const isNew = conversation.log.addEntry(event);
    this.#advance(conversation, event);
    if (!isOpen) conversation.log.trim(KEPT_EVENTS_MAX);
    return isNew;
  }

  /** A page of history, newest first, of what is below `before`; without it, of the newest. */
  addPage(id: string, events: readonly EventBody[], before: number | undefined, status: PageStatus): void {
    const conversation = this.open(id);
    conversation.log.addPage(events, before, status);
    for (const event of events) this.#advance(conversation, event);
  }

  /** What was loaded of conversations that are not open goes back to the history. */
  trimAllBut(openId: string | null): void {
    for (const { id, log } of this.#conversations.values()) if (id !== openId) log.trim(KEPT_EVENTS_MAX);
  }

  #advance(conversation: Conversation, event: EventBody): void {
    const { seq, ordinal, time, kind, sender } = event;
    if (kind === 'message' && sender === this.#me && ordinal > conversation.ownOrdinal)
      conversation.ownOrdinal = ordinal;
    if (kind === 'created' && conversation.kind === 'group') conversation.title = event.title;
    if (seq > conversation.membershipSeq) {
      const role = this.#roleAfter(event);
      if (role !== undefined) {
        conversation.role = role;
        conversation.membershipSeq = seq;
      }
    }
    if (seq <= conversation.seq) return;
    conversation.seq = seq;
    conversation.ordinal = ordinal;
    conversation.time = time;
  }

  /** What an event makes of one's own role; undefined: nothing. */
  #roleAfter(event: EventBody): Role | null | undefined {
    switch (event.kind) {
      case 'created':
        if (event.sender === this.#me) return 'owner';
        return event.members.includes(this.#me) ? 'member' : undefined;
      case 'added':
        return event.members.includes(this.#me) ? 'member' : undefined;
      case 'removed':
        return event.member === this.#me ? null : undefined;
      case 'left':
        if (event.sender === this.#me) return null;
        return event.successor === this.#me ? 'owner' : undefined;
      default:
        return undefined;
    }
  }
}
