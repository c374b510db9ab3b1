// A consumer group: which member owns which partition, and how late each learns of it.
//
// The coordinator moves a partition at once. The old owner hears of it later (a paused one when it wakes up), the new
// one begins later: in between there are two owners, or none.
import type { TopicName } from '../../../services/events/topics.ts';
import {
  type LogRecord,
  OffsetOutOfRangeError,
  type PartitionAssignment,
  PartitionRevokedError,
  ReadSupersededError,
  type Subscription,
} from '../../../services/ports/log/event-log.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { WORLD } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import type { SimulatedPartition } from './simulated-log.ts';

export interface GroupTimes {
  /** Silence after which the coordinator gives a member's partitions away. */
  readonly session_ms: number;
  /** How late an owner may learn that it is one no more. */
  readonly revoke_ms_max: number;
}

const JUMPS_IN_A_ROW_MAX = 2;

type Handler = (assignment: PartitionAssignment) => Promise<void>;

export class ConsumerGroup {
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly times: GroupTimes;
  readonly partitions: readonly SimulatedPartition[];
  readonly #members: Member[] = [];
  readonly #owners: (Member | null)[];

  constructor(
    name: string,
    partitions: readonly SimulatedPartition[],
    scheduler: Scheduler,
    faults: Faults,
    times: GroupTimes,
  ) {
    this.name = name;
    this.partitions = partitions;
    this.scheduler = scheduler;
    this.faults = faults;
    this.times = times;
    this.#owners = partitions.map(() => null);
  }

  join(process: SimProcess, handler: Handler): Promise<Subscription> {
    const member = new Member(this, process, handler);
    process.atCrash(() => this.#silent(member));
    return process.call('log.join', (answer) => {
      this.#members.push(member);
      this.rebalance(0.3);
      answer.resolve({ close: () => this.#leave(member) });
    });
  }

  /** The coordinator has not heard of `process` for a session: whoever else is there gets its partitions. */
  expire(process: SimProcess): void {
    for (const member of this.#members) {
      if (member.process !== process || member.expelled) continue;
      member.expelled = true;
      this.rebalance(0);
    }
  }

  /** A member that was expelled is heard of again. */
  returned(process: SimProcess): void {
    for (const member of this.#members) {
      if (member.process !== process || !member.expelled) continue;
      member.expelled = false;
      this.rebalance(0.5);
    }
  }

  /**
   * Gives every partition without a living owner a new one. While there are faults it moves others with a probability;
   * without them everyone gets as many as anyone.
   */
  rebalance(moving: number): void {
    const { random } = this.scheduler;
    const living = this.#members.filter((member) => !member.expelled);
    const share_max = Math.ceil(this.partitions.length / Math.max(1, living.length));
    const held = new Map<Member, number>();
    this.#owners.forEach((owner, number) => {
      const stays = owner !== null && living.includes(owner);
      const keeps = this.faults.enabled ? !random.chance(moving) : (held.get(owner!) ?? 0) < share_max;
      if (stays && keeps) held.set(owner, (held.get(owner) ?? 0) + 1);
      else
        this.#owners[number] = this.#move(
          number,
          owner,
          living.filter((member) => member !== owner),
          held,
        );
    });
  }

  #move(number: number, owner: Member | null, others: readonly Member[], held: Map<Member, number>): Member | null {
    const fewest = Math.min(...others.map((member) => held.get(member) ?? 0));
    const open = this.faults.enabled ? others : others.filter((member) => (held.get(member) ?? 0) === fewest);
    const next = open.length > 0 ? this.scheduler.random.pick(open) : owner !== null && !owner.expelled ? owner : null;
    if (next !== null) held.set(next, (held.get(next) ?? 0) + 1);
    if (next === owner) return owner;
    this.#note(`partition ${number}: ${owner?.process.name ?? 'nobody'} -> ${next?.process.name ?? 'nobody'}`);
    owner?.revoke(number);
    // The coordinator has it on record before either side hears of it.
    if (next !== null) this.scheduler.schedule(0, WORLD, 'log.assigned', () => next.grant(number));
    return next;
  }

  #note(text: string): void {
    this.scheduler.trace.note(this.scheduler.now_ms, this.name, text);
  }

  /** Whether every partition's owner waits at its end. */
  isAtEnd(): boolean {
    return this.#owners.every((owner, number) => owner?.waitsAt(number) ?? false);
  }

  isOwner(member: Member, number: number): boolean {
    return this.#owners[number] === member;
  }

  /** Whether someone else holds the partition too, without knowing better. */
  hasOtherOwner(member: Member, number: number): boolean {
    return this.#members.some((other) => other !== member && other.holds(number));
  }

  #silent(member: Member): void {
    this.scheduler.schedule(this.times.session_ms, WORLD, 'log.expired', () => this.#remove(member));
  }

  #remove(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    member.expelled = true;
    this.rebalance(0);
  }

  async #leave(member: Member): Promise<void> {
    member.revokeAll();
    await member.whenIdle();
    await member.process.call<void>('log.leave', (answer) => {
      this.#remove(member);
      answer.resolve(undefined);
    });
  }
}

class Member {
  readonly group: ConsumerGroup;
  readonly process: SimProcess;
  expelled = false;
  readonly #handler: Handler;
  readonly #held = new Map<number, Assignment>();
  readonly #running = new Map<number, Promise<void>>();
  #closed = false;

  constructor(group: ConsumerGroup, process: SimProcess, handler: Handler) {
    this.group = group;
    this.process = process;
    this.#handler = handler;
  }

  holds(number: number): boolean {
    return this.process.state !== 'dead' && this.#held.has(number);
  }

  waitsAt(number: number): boolean {
    return this.#held.get(number)?.waiting ?? false;
  }

  revoke(number: number): void {
    const { random } = this.group.scheduler;
    const late = random.chance(0.6) ? random.between(1, 100) : random.between(100, this.group.times.revoke_ms_max);
    this.process.later(late, 'log.revoked', () => {
      if (this.group.isOwner(this, number)) return;
      this.group.scheduler.trace.note(
        this.group.scheduler.now_ms,
        this.process.name,
        `gives up ${this.group.name} ${number}`,
      );
      this.#held.get(number)?.abort();
      this.#held.delete(number);
    });
  }

  grant(number: number): void {
    const { random } = this.group.scheduler;
    this.process.later(random.between(1, 300), 'log.granted', () => this.#begin(number));
  }

  revokeAll(): void {
    this.#closed = true;
    for (const assignment of this.#held.values()) assignment.abort();
    this.#held.clear();
  }

  async whenIdle(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  #begin(number: number): void {
    if (this.#closed || !this.group.isOwner(this, number) || this.#held.has(number)) return;
    const before = this.#running.get(number);
    if (before !== undefined) {
      // One handler a partition at a time: its predecessor here has to return first.
      before.then(() => this.#begin(number));
      return;
    }
    const { faults } = this.group;
    if (faults.enabled && this.group.hasOtherOwner(this, number)) faults.count('double_owner');
    this.group.scheduler.trace.note(
      this.group.scheduler.now_ms,
      this.process.name,
      `begins ${this.group.name} ${number}`,
    );
    const assignment = new Assignment(this.group, this.process, this.group.partitions[number]!);
    this.#held.set(number, assignment);
    const running = this.#handler(assignment)
      .catch(() => {})
      .then(() => {
        this.#running.delete(number);
      });
    this.#running.set(number, running);
  }
}

class Assignment implements PartitionAssignment {
  readonly topic: TopicName;
  readonly partition: number;
  readonly #group: ConsumerGroup;
  readonly #process: SimProcess;
  readonly #source: SimulatedPartition;
  readonly #controller = new AbortController();
  #position: number | null = null;
  #reading = false;
  #jumps = 0;
  /** Everything has been read: its read waits for the next append. */
  waiting = false;
  /** Rejects the read that is waiting. */
  #giveUp: (error: Error) => void = () => {};

  constructor(group: ConsumerGroup, process: SimProcess, source: SimulatedPartition) {
    this.topic = source.topic;
    this.partition = source.number;
    this.#group = group;
    this.#process = process;
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller.abort();
  }

  seek(offset: number): void {
    this.#position = offset;
    this.#reading = false;
    this.#giveUp(new ReadSupersededError(this.topic, this.partition));
  }

  async read(records_max: number): Promise<readonly LogRecord[]> {
    if (this.#position === null) throw new Error('read before the first seek');
    if (this.#reading) throw new Error('two reads at once');
    this.#reading = true;
    const records = await this.#read(this.#position, records_max);
    this.#reading = false;
    return records;
  }

  commit(_offset: number): void {
    // For lag tools only: nothing here looks at it.
  }

  #read(position: number, records_max: number): Promise<readonly LogRecord[]> {
    const revoked = () => new PartitionRevokedError(this.topic, this.partition);
    if (this.signal.aborted) return Promise.reject(revoked());
    return new Promise((resolve, reject) => {
      let given_up = false;
      this.#giveUp = (error) => {
        given_up = true;
        reject(error);
      };
      const onAbort = () => reject(revoked());
      this.signal.addEventListener('abort', onAbort, { once: true });
      this.#fetch(position, records_max).then(
        (records) => {
          this.signal.removeEventListener('abort', onAbort);
          if (given_up) return;
          if (this.signal.aborted) return reject(revoked());
          this.#position = records.at(-1)!.offset + 1;
          resolve(records);
        },
        (error) => {
          this.signal.removeEventListener('abort', onAbort);
          if (given_up) return;
          this.#reading = false;
          reject(error);
        },
      );
    });
  }

  #fetch(position: number, records_max: number): Promise<readonly LogRecord[]> {
    const { random } = this.#group.scheduler;
    const source = this.#source;
    return this.#process.call(`log.read ${this.topic}/${this.partition}`, (answer) => {
      const serve = () => {
        const count = 1 + random.below(Math.min(records_max, 12));
        const records = source.slice(this.#jumped(position), Math.min(count, records_max));
        if (records === null) answer.reject(new OffsetOutOfRangeError(this.topic, this.partition, position));
        else if (records.length > 0) answer.resolve(records);
        else if (!this.signal.aborted) source.whenAppended(serve);
        this.waiting = records !== null && records.length === 0;
      };
      serve();
    });
  }

  /** What a silent reset of the offset does: the reader is handed records from further on. */
  #jumped(position: number): number {
    const { faults, scheduler } = this.#group;
    const ahead = this.#source.records.length - position;
    // A third jump in a row would be damage to its reader, and rightly so.
    if (ahead < 2 || this.#jumps >= JUMPS_IN_A_ROW_MAX || !faults.strikes('offset_jump')) {
      this.#jumps = 0;
      return position;
    }
    this.#jumps++;
    faults.count('offset_jump');
    return position + 1 + scheduler.random.below(ahead - 1);
  }
}
