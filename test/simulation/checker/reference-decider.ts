// What the log says must have been decided, straight from the rules of the design and without a line of the real fold:
// slow, plain, and kept that way. It remembers every id for ever and judges by time alone which of them still count.
import type { Command } from '../../../services/events/commands.ts';

const MINUTE_MS = 60_000;
const AHEAD_MS = 1 * MINUTE_MS;
const BEHIND_MS = 10 * MINUTE_MS;
const REMEMBERED_MS = 12 * MINUTE_MS;

export interface Interval {
  readonly from: number;
  to: number;
}

/** A numbered event, reduced to what must be the same wherever it is found. */
export interface ExpectedEvent {
  readonly conversationId: string;
  readonly seq: number;
  readonly ordinal: number;
  readonly type: string;
  readonly sender: string;
  readonly commandId: string;
  readonly time: number;
  readonly position: number;
  /** Payload, members or whoever it is about, as one string. */
  readonly detail: string;
  readonly recipients: readonly string[];
}

export type ExpectedOutcome =
  | { readonly result: 'sequenced'; readonly seq: number; readonly time: number; readonly repeat: boolean }
  | { readonly result: 'unchanged' }
  | { readonly result: 'rejected'; readonly code: string };

export class ReferenceConversation {
  readonly id: string;
  kind: 'direct' | 'group' | null = null;
  time = 0;
  ordinal = 0;
  asOf = -1;
  title = '';
  memberLimit = 0;
  /** Present members with their role and when they joined. */
  readonly members = new Map<string, { role: string; joinedSeq: number }>();
  readonly intervals = new Map<string, Interval[]>();
  readonly events: ExpectedEvent[] = [];
  /** Of those with one sender and command id, the first. */
  readonly #firsts = new Map<string, ExpectedEvent>();

  constructor(id: string) {
    this.id = id;
  }

  decide(command: Command, position: number, appendTime: number): ExpectedOutcome {
    const time = Math.max(this.time, appendTime);
    const outcome = this.#judge(command, position, time);
    if (this.kind !== null) {
      this.time = time;
      this.asOf = position;
    }
    return outcome;
  }

  mayRead(user: string, seq: number): boolean {
    return (this.intervals.get(user) ?? []).some(({ from, to }) => from <= seq && seq <= to);
  }

  #judge(command: Command, position: number, time: number): ExpectedOutcome {
    const first = this.#firsts.get(`${command.sender} ${command.commandId}`);
    if (first !== undefined && first.time >= this.time - REMEMBERED_MS) {
      return { result: 'sequenced', seq: first.seq, time: first.time, repeat: true };
    }
    const made = Number(BigInt(`0x${command.commandId.replaceAll('-', '').slice(0, 12)}`));
    if (made - time > AHEAD_MS) return reject('clock');
    if (time - made > BEHIND_MS) return reject('too_old');
    switch (command.type) {
      case 'SendMessage': {
        if (this.kind === null) {
          const sides = sidesOf(this.id);
          if (sides === null) return reject('conversation_not_found');
          if (!sides.includes(command.sender)) return reject('not_a_member');
          this.kind = 'direct';
          this.memberLimit = 2;
          for (const side of new Set(sides)) this.#join(side, 'member');
        }
        if (!this.members.has(command.sender)) return reject('not_a_member');
        this.ordinal++;
        return this.#number(command, position, time, Buffer.from(command.payload).toString());
      }
      case 'CreateConversation': {
        if (sidesOf(this.id) !== null) return reject('wrong_kind');
        if (this.kind !== null) return reject('conversation_exists');
        const members = [...new Set([command.sender, ...command.members])];
        if (members.length > command.memberLimit) return reject('conversation_full');
        this.kind = 'group';
        this.title = command.title;
        this.memberLimit = command.memberLimit;
        for (const user of members) this.#join(user, user === command.sender ? 'owner' : 'member');
        return this.#number(command, position, time, members.join());
      }
      case 'AddMembers': {
        const refused = this.#refuseAdministration(command.sender);
        if (refused !== null) return reject(refused);
        const added = [...new Set(command.members)].filter((user) => !this.members.has(user));
        if (added.length === 0) return { result: 'unchanged' };
        if (this.members.size + added.length > this.memberLimit) return reject('conversation_full');
        for (const user of added) this.#join(user, 'member');
        return this.#number(command, position, time, added.join());
      }
      case 'RemoveMember': {
        if (command.member === command.sender) return this.#leave(command, position, time);
        const refused = this.#refuseAdministration(command.sender);
        if (refused !== null) return reject(refused);
        const member = this.members.get(command.member);
        if (member === undefined) return { result: 'unchanged' };
        if (member.role === 'owner') return reject('not_allowed');
        this.#end(command.member);
        return this.#number(command, position, time, command.member, [command.member]);
      }
      case 'LeaveConversation':
        return this.#leave(command, position, time);
    }
  }

  #leave(command: Command, position: number, time: number): ExpectedOutcome {
    if (sidesOf(this.id) !== null) return reject('wrong_kind');
    if (this.kind === null) return reject('conversation_not_found');
    const member = this.members.get(command.sender);
    if (member === undefined) return reject('not_a_member');
    this.#end(command.sender);
    let successor = '';
    if (member.role === 'owner' && ![...this.members.values()].some(({ role }) => role === 'owner')) {
      const oldest = [...this.members].sort(([a, x], [b, y]) => x.joinedSeq - y.joinedSeq || (a < b ? -1 : 1))[0];
      if (oldest !== undefined) {
        successor = oldest[0];
        this.members.set(successor, { ...oldest[1], role: 'owner' });
      }
    }
    return this.#number(command, position, time, successor, [command.sender]);
  }

  #refuseAdministration(user: string): string | null {
    if (sidesOf(this.id) !== null) return 'wrong_kind';
    if (this.kind === null) return 'conversation_not_found';
    const member = this.members.get(user);
    if (member === undefined) return 'not_a_member';
    return member.role === 'member' ? 'not_allowed' : null;
  }

  #join(user: string, role: string): void {
    const joinedSeq = this.events.length + 1;
    this.members.set(user, { role, joinedSeq });
    const intervals = this.intervals.get(user) ?? [];
    intervals.push({ from: joinedSeq, to: Number.POSITIVE_INFINITY });
    this.intervals.set(user, intervals);
  }

  #end(user: string): void {
    this.members.delete(user);
    this.intervals.get(user)!.at(-1)!.to = this.events.length + 1;
  }

  #number(
    command: Command,
    position: number,
    time: number,
    detail: string,
    removed: readonly string[] = [],
  ): ExpectedOutcome {
    const seq = this.events.length + 1;
    const event: ExpectedEvent = {
      conversationId: this.id,
      seq,
      ordinal: this.ordinal,
      type: EVENT_OF[
        command.type === 'RemoveMember' && command.member === command.sender ? 'LeaveConversation' : command.type
      ],
      sender: command.sender,
      commandId: command.commandId,
      time,
      position,
      detail,
      recipients: [...this.members.keys(), ...removed].sort(),
    };
    this.events.push(event);
    const key = `${event.sender} ${event.commandId}`;
    if (!this.#firsts.has(key)) this.#firsts.set(key, event);
    return { result: 'sequenced', seq, time, repeat: false };
  }
}

const EVENT_OF = {
  SendMessage: 'MessageSent',
  CreateConversation: 'ConversationCreated',
  AddMembers: 'MembersAdded',
  RemoveMember: 'MemberRemoved',
  LeaveConversation: 'MemberLeft',
} as const;

function reject(code: string): ExpectedOutcome {
  return { result: 'rejected', code };
}

/** The two sides of `d:5:alice3:bob`. The users of a simulation have no colons or digits that would mislead this. */
function sidesOf(id: string): string[] | null {
  const match = /^d:\d+:(\D+)\d+:(\D+)$/.exec(id);
  return match === null ? null : [match[1]!, match[2]!];
}
