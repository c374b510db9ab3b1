// A set of tables as a rebuild could have left it, made in one moment of the simulation from the set in force.
import { decodeInboxRecord } from '../../../services/events/codec.ts';
import { partitionOf } from '../../../services/events/partition.ts';
import { positionOf } from '../../../services/events/position.ts';
import type { Checkpoint, HeadRow, InboxRow } from '../../../services/ports/store/state-store.ts';
import type { Violations } from '../checker/violations.ts';
import type { Random } from '../kernel/random.ts';
import type { SimulatedLog } from './simulated-log.ts';
import { bucketOf, inSet, key, nameInSet, ONLY, SEPARATOR, type SimulatedStore, TABLES } from './simulated-store.ts';

/**
 * What the set in force is now: rows, states, heads and checkpoints of one moment, at which every processor might have
 * crashed. Returns its number.
 */
export function copyTablesInForce(store: SimulatedStore): number {
  const from = store.generation?.tables ?? 0;
  const to = store.nextSet();
  const nameOf = (partition: string) => {
    const name = nameInSet(from, partition);
    return name === null ? null : inSet(to, name);
  };
  store.replicas.copy(nameOf);
  for (const names of [store.users, store.conversations]) names.set(to, new Set(names.get(from)));
  for (const [partition, bucket] of [...store.lastBuckets]) {
    const name = nameOf(partition);
    if (name !== null) store.lastBuckets.set(name, bucket);
  }
  return to;
}

/**
 * Gives the entries of each inbox in it other numbers, as a rebuild from `messages` does: the order within a conversation
 * is kept, one partition of `messages` may be further than the others, rows and heads carry ordinals for positions, and
 * which records of `inbox` are in them only the sources say. Returns what each inbox begins with now.
 */
export function renumberInboxes(
  store: SimulatedStore,
  log: SimulatedLog,
  set: number,
  violations: Violations,
): ReadonlyMap<string, readonly InboxRow[]> {
  return new Renumbering(store, log, set, violations).run();
}

class Renumbering {
  readonly #store: SimulatedStore;
  readonly #log: SimulatedLog;
  readonly #set: number;
  readonly #violations: Violations;
  readonly #random: Random;
  /** By user: what the checkpoint of their partition says is there. */
  readonly #rows = new Map<string, InboxRow[]>();

  constructor(store: SimulatedStore, log: SimulatedLog, set: number, violations: Violations) {
    this.#store = store;
    this.#log = log;
    this.#set = set;
    this.#violations = violations;
    this.#random = store.scheduler.random;
  }

  run(): ReadonlyMap<string, readonly InboxRow[]> {
    const { inbox } = this.#log.layout.partitions;
    const checkpoints = Array.from({ length: inbox }, (_, partition) => this.#checkpoint(partition));
    this.#take(checkpoints);
    for (const [partition, checkpoint] of checkpoints.entries())
      if (checkpoint !== null) this.#goAhead(partition, checkpoint);
    const beginnings = new Map<string, readonly InboxRow[]>();
    for (const [user, rows] of this.#rows) {
      const renumbered = this.#interleave(rows).map((row, index) => ({
        ...row,
        inboxSeq: index + 1,
        position: index + 1,
      }));
      beginnings.set(user, renumbered);
      this.#write(user, renumbered);
    }
    return beginnings;
  }

  #checkpoint(partition: number): Checkpoint | null {
    const cell = this.#peek(TABLES.checkpoint('inbox', partition)).get(ONLY);
    return (cell?.value as Checkpoint | undefined) ?? null;
  }

  /** Every inbox and every head out of the set. */
  #take(checkpoints: readonly (Checkpoint | null)[]): void {
    const { replicas } = this.#store;
    const { generation, partitions } = this.#log.layout;
    const inboxes = [...replicas.partitions()].filter((one) => nameInSet(this.#set, one)?.startsWith(key('inbox', '')));
    for (const user of new Set(inboxes.map((name) => nameInSet(this.#set, name)!.split(SEPARATOR)[1]!))) {
      const head = this.#peek(TABLES.head(user)).get(ONLY)?.value as HeadRow | undefined;
      const end = positionOf(generation, checkpoints[partitionOf(user, partitions.inbox)]?.offset ?? 0);
      const rows: InboxRow[] = [];
      for (let inboxSeq = 1; inboxSeq <= (head?.head ?? 0); inboxSeq++) {
        const cell = this.#peek(TABLES.inbox(user, bucketOf(inboxSeq))).get(String(inboxSeq));
        const row = cell?.value as InboxRow | undefined;
        if (row === undefined)
          this.#violations.add(`the head of ${user} is ${head!.head}, row ${inboxSeq} is not there`);
        else if (row.position < end) rows.push(row);
      }
      this.#rows.set(user, rows);
      replicas.replace(inSet(this.#set, TABLES.head(user)), new Map());
    }
    for (const name of inboxes) replicas.replace(name, new Map());
  }

  /**
   * The next messages from one partition of `messages` too. Changes of members stay where they are: they would need their
   * rows in other tables.
   */
  #goAhead(partition: number, checkpoint: Checkpoint): void {
    const { inbox, messages } = this.#log.layout.partitions;
    const source = this.#random.below(messages);
    let left = this.#random.below(6);
    let last = checkpoint.sources[source] ?? -1;
    for (const { value } of this.#log.partitions('inbox')[partition]!.records) {
      const record = decodeInboxRecord(value);
      if (record.type !== 'InboxEntries' || record.sourcePartition !== source || record.sourcePosition <= last)
        continue;
      if (record.joined.length + record.left.length > 0 || left-- === 0) break;
      last = record.sourcePosition;
      const { conversationId, seq, kind } = record;
      for (const user of record.recipients.filter((one) => partitionOf(one, inbox) === partition)) {
        const rows = this.#rows.get(user) ?? [];
        rows.push({ user, inboxSeq: 0, conversationId, seq, kind, position: 0 });
        this.#rows.set(user, rows);
      }
    }
    const offset = this.#random.chance(0.3) ? 0 : checkpoint.offset;
    const sources = { ...checkpoint.sources, [source]: last };
    this.#put(TABLES.checkpoint('inbox', partition), { ...checkpoint, offset, sources }, this.#store.unstamped());
  }

  /** In another order of the conversations. */
  #interleave(rows: readonly InboxRow[]): InboxRow[] {
    const left = new Map<string, InboxRow[]>();
    for (const row of rows) left.set(row.conversationId, [...(left.get(row.conversationId) ?? []), row]);
    const order = this.#random.shuffle(rows.map(({ conversationId }) => conversationId));
    return order.map((conversationId) => left.get(conversationId)!.shift()!);
  }

  #write(user: string, rows: readonly InboxRow[]): void {
    if (rows.length === 0) return;
    for (let bucket = 0; bucket <= bucketOf(rows.length); bucket++) {
      const cells = rows
        .filter(({ inboxSeq }) => bucketOf(inboxSeq) === bucket)
        .map((row) => [String(row.inboxSeq), { timestamp: this.#store.stamp(row.position), value: row }] as const);
      this.#store.replicas.replace(inSet(this.#set, TABLES.inbox(user, bucket)), new Map(cells));
    }
    const head: HeadRow = { user, head: rows.length, headAsOf: rows.length, minimumSeq: 1 };
    this.#put(TABLES.head(user), head, this.#store.stamp(head.headAsOf));
  }

  #peek(name: string) {
    return this.#store.replicas.peek(inSet(this.#set, name));
  }

  /** On every replica. */
  #put(name: string, value: unknown, timestamp: number): void {
    this.#store.replicas.replace(inSet(this.#set, name), new Map([[ONLY, { timestamp, value }]]));
  }
}
