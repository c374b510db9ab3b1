// The tables in force, on every pair of replicas, against the replayed log.
import { decodeTimelineEvent } from '../../../services/events/codec.ts';
import type {
  ConversationFlush,
  HeadRow,
  InboxRow,
  MemberRow,
  PastMemberRow,
  TimelineRow,
} from '../../../services/ports/store/state-store.ts';
import { PAIRS, type Rows } from '../ports/replicas.ts';
import { nameInSet, SEPARATOR, type SimulatedStore } from '../ports/simulated-store.ts';
import { nameOf, type Pointer } from './pointer.ts';
import type { ReferenceConversation } from './reference-decider.ts';
import type { ReplayedLog } from './replayed-log.ts';
import type { Violations } from './violations.ts';

export function checkStore(store: SimulatedStore, replayed: ReplayedLog, violations: Violations): void {
  for (const pair of PAIRS) new PairCheck(store, pair, replayed, violations).run();
}

class PairCheck {
  readonly #store: SimulatedStore;
  readonly #pair: readonly [number, number];
  readonly #replayed: ReplayedLog;
  readonly #violations: Violations;
  /** Every row of a table and key, all its buckets together. */
  readonly #tables = new Map<string, Map<string, unknown>>();

  constructor(store: SimulatedStore, pair: readonly [number, number], replayed: ReplayedLog, violations: Violations) {
    this.#store = store;
    this.#pair = pair;
    this.#replayed = replayed;
    this.#violations = violations;
  }

  run(): void {
    this.#gather();
    for (const conversation of this.#replayed.conversations.values()) {
      this.#checkTimeline(conversation);
      this.#checkState(conversation);
      this.#checkPast(conversation);
    }
    const epoch = this.#store.generation?.epoch;
    for (const user of this.#replayed.inboxes.keys()) this.#checkInbox(user, this.#replayed.inbox(user, epoch));
    for (const key of this.#tables.keys()) {
      const [table, id] = key.split(SEPARATOR) as [string, string];
      const known = table === 'inbox' || table === 'head' ? this.#replayed.inboxes : this.#replayed.conversations;
      if (['inbox', 'head', 'timeline', 'conversation', 'past'].includes(table) && !known.has(id)) {
        this.#add(`${table} has rows of ${id}, of which the log knows nothing`);
      }
    }
  }

  #gather(): void {
    const set = this.#store.generation?.tables ?? 0;
    for (const partition of this.#store.replicas.partitions()) {
      const name = nameInSet(set, partition);
      if (name === null) continue;
      const key = name.split(SEPARATOR).slice(0, 2).join(SEPARATOR);
      const rows = this.#tables.get(key) ?? new Map<string, unknown>();
      for (const [row, value] of this.#store.replicas.peekPair(this.#pair, partition)) rows.set(row, value);
      this.#tables.set(key, rows);
    }
  }

  #checkTimeline({ id, events }: ReferenceConversation): void {
    const rows = this.#rows('timeline', id);
    this.#checkDense(rows, events.length, `timeline of ${id}`);
    for (const value of rows.values()) {
      const row = value as TimelineRow;
      const event = decodeTimelineEvent(row.event);
      this.#replayed.checkEvent(event, `timeline row ${nameOf(row)}`);
      const same = (['seq', 'ordinal', 'sender', 'commandId', 'time', 'position'] as const).every(
        (field) => row[field] === event[field],
      );
      if (!same) this.#add(`the timeline row ${nameOf(row)} differs from the event in it`);
    }
  }

  #checkState(conversation: ReferenceConversation): void {
    const rows = this.#rows('conversation', conversation.id);
    const row = rows.get('static') as ConversationFlush['row'] | undefined;
    if (conversation.kind === null) {
      if (row !== undefined) this.#add(`${conversation.id} has a state row and was never created`);
      return;
    }
    const { kind, ordinal, time, asOf, title, memberLimit, events } = conversation;
    const wanted = { kind, seq: events.length, ordinal, time, asOf, title, memberLimit };
    for (const [field, value] of Object.entries(wanted)) {
      const found = row?.[field as keyof typeof row];
      if (found !== value) this.#add(`the state of ${conversation.id} has ${field} ${found}, not ${value}`);
    }
    const members = [...rows]
      .filter(([key]) => key.startsWith('member '))
      .map(([, value]) => value as MemberRow)
      .map(({ user, role, joinedSeq }) => `${user} ${role} ${joinedSeq}`);
    const present = [...conversation.members].map(([user, { role, joinedSeq }]) => `${user} ${role} ${joinedSeq}`);
    if (members.sort().join() !== present.sort().join()) {
      this.#add(`the members of ${conversation.id} are ${members}, not ${present}`);
    }
  }

  #checkPast({ id, intervals }: ReferenceConversation): void {
    const rows = [...this.#rows('past', id).values()].map((row) => row as PastMemberRow);
    const found = rows.map(({ user, joinedSeq, leftSeq }) => `${user} ${joinedSeq}-${leftSeq}`);
    const wanted = [...intervals].flatMap(([user, list]) =>
      list.filter(({ to }) => Number.isFinite(to)).map(({ from, to }) => `${user} ${from}-${to}`),
    );
    if (found.sort().join() !== wanted.sort().join()) this.#add(`past members of ${id} are ${found}, not ${wanted}`);
  }

  #checkInbox(user: string, inbox: readonly Pointer[]): void {
    const rows = this.#rows('inbox', user);
    this.#checkDense(rows, inbox.length, `inbox of ${user}`);
    for (const value of rows.values()) {
      const row = value as InboxRow;
      const wanted = inbox[row.inboxSeq - 1];
      if (wanted === undefined || nameOf(row) !== nameOf(wanted)) {
        this.#add(`inbox row ${row.inboxSeq} of ${user} is ${nameOf(row)}, not ${wanted && nameOf(wanted)}`);
      } else if (row.kind !== this.#replayed.event(wanted)?.type) {
        this.#add(`inbox row ${row.inboxSeq} of ${user} has the kind ${row.kind}`);
      }
    }
    const head = this.#rows('head', user).get('row') as HeadRow | undefined;
    if (head !== undefined && head.head > inbox.length) {
      this.#add(`the head of ${user} is ${head.head} and their inbox ends at ${inbox.length}`);
    }
    this.#checkMemberships(user);
  }

  #checkMemberships(user: string): void {
    const rows = this.#rows('membership', user);
    for (const { id, intervals, kind } of this.#replayed.conversations.values()) {
      const last = intervals.get(user)?.at(-1);
      const row = rows.get(id) as { joinedSeq: number; leftSeq: number | null } | undefined;
      if (last === undefined) {
        if (row !== undefined) this.#add(`${user} has a membership of ${id} and never was a member`);
        continue;
      }
      const leftSeq = Number.isFinite(last.to) ? last.to : null;
      if (row === undefined) this.#add(`${user} has no membership row of ${id} (${kind})`);
      else if (row.joinedSeq !== last.from || row.leftSeq !== leftSeq) {
        this.#add(`the membership of ${user} in ${id} is ${row.joinedSeq}-${row.leftSeq}, not ${last.from}-${leftSeq}`);
      }
    }
  }

  #checkDense(rows: Rows, last: number, name: string): void {
    for (let seq = 1; seq <= last; seq++) if (!rows.has(String(seq))) this.#add(`the ${name} has no row ${seq}`);
    if (rows.size > last) this.#add(`the ${name} has ${rows.size} rows, not ${last}`);
  }

  #rows(table: string, id: string): Map<string, unknown> {
    return this.#tables.get(`${table}${SEPARATOR}${id}`) ?? new Map();
  }

  #add(sentence: string): void {
    this.#violations.add(`${sentence} (replicas ${this.#pair.join(' and ')})`);
  }
}
