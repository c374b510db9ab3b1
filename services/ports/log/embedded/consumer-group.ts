// The members of one group inside this process, and which partitions each of them holds.
//
// Partitions are shared out evenly; who holds some keeps as many of them as the share allows. A partition that moves is
// taken away first (its signal aborts, its read fails), and given on when the old handler has returned.

import type { PartitionAssignment, Subscription } from '../event-log.ts';
import { PartitionRevokedError } from '../event-log.ts';
import { Assignment } from './assignment.ts';
import type { PartitionLog } from './partition-log.ts';

type Handler = (assignment: PartitionAssignment) => Promise<void>;

class Member {
  readonly handler: Handler;
  readonly running = new Set<Promise<void>>();
  constructor(handler: Handler) {
    this.handler = handler;
  }
}

interface Seat {
  readonly log: PartitionLog;
  /** Who is to hold the partition. */
  owner: Member | null;
  /** Who holds it, until its handler has returned. */
  held: { readonly by: Member; readonly assignment: Assignment; readonly done: Promise<void> } | null;
}

export class ConsumerGroup {
  readonly #seats: readonly Seat[];
  readonly #members: Member[] = [];

  constructor(logs: readonly PartitionLog[]) {
    this.#seats = logs.map((log) => ({ log, owner: null, held: null }));
  }

  join(handler: Handler): Subscription {
    const member = new Member(handler);
    this.#members.push(member);
    this.#share();
    return { close: () => this.#leave(member) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members].map((member) => this.#leave(member)));
  }

  async #leave(member: Member): Promise<void> {
    const index = this.#members.indexOf(member);
    if (index >= 0) {
      this.#members.splice(index, 1);
      this.#share();
    }
    while (member.running.size > 0) await Promise.all(member.running);
  }

  #share(): void {
    const held = (member: Member) => this.#seats.filter((seat) => seat.owner === member).length;
    for (const seat of this.#seats) {
      if (seat.owner !== null && !this.#members.includes(seat.owner)) seat.owner = null;
    }
    // Members that hold most come first, so that the shares that are one larger move nothing needlessly.
    const members = [...this.#members].sort((a, b) => held(b) - held(a));
    const share = (place: number) => Math.floor((this.#seats.length + members.length - 1 - place) / members.length);
    members.forEach((member, place) => {
      const surplus = this.#seats.filter((seat) => seat.owner === member).slice(share(place));
      for (const seat of surplus) seat.owner = null;
    });
    const free = this.#seats.filter((seat) => seat.owner === null);
    members.forEach((member, place) => {
      for (let wanted = share(place) - held(member); wanted > 0; wanted--) free.shift()!.owner = member;
    });
    for (const seat of this.#seats) this.#settle(seat);
  }

  #settle(seat: Seat): void {
    if (seat.held !== null) {
      if (seat.held.by !== seat.owner) seat.held.assignment.revoke();
      return;
    }
    const { owner } = seat;
    if (owner === null) return;
    const assignment = new Assignment(seat.log);
    const done = this.#run(owner, assignment).then(() => {
      owner.running.delete(done);
      seat.held = null;
      this.#settle(seat);
    });
    owner.running.add(done);
    seat.held = { by: owner, assignment, done };
  }

  /** Never rejects. A handler that ends early leaves its partition stopped in this member: its seat stays taken. */
  async #run(member: Member, assignment: Assignment): Promise<void> {
    await null;
    try {
      if (!assignment.signal.aborted) await member.handler(assignment);
    } catch (error) {
      if (!(error instanceof PartitionRevokedError)) assignment.failed = error;
    }
    await assignment.revoked;
  }
}
