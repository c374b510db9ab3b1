// The tables of the store on simulated replicas, laid out as in Cassandra, in buckets of 4, in any number of sets.
import type { Position } from '../../../services/events/position.ts';
import type { TopicName } from '../../../services/events/topics.ts';
import {
  type AccountRow,
  type Checkpoint,
  type ConversationFlush,
  type ConversationRow,
  type GenerationRow,
  type HeadRow,
  type InboxRow,
  type MemberRow,
  type MembershipRow,
  type PastMemberRow,
  type ReaderView,
  type StateStore,
  StoreError,
  type TimelineRow,
  withTablesInForce,
} from '../../../services/ports/store/state-store.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import { type Mutation, Replicas, type Rows } from './replicas.ts';

// 4 rows a bucket where the real store has 4,096: bucket borders are crossed all the time.
const BUCKET_ROWS = 4;
/** Of a scan. */
const SCAN_PAGE_ROWS = 4;
export const bucketOf = (seq: number) => Math.floor(seq / BUCKET_ROWS);

/** No id holds it. */
export const SEPARATOR = '\u0000';
export const key = (...parts: (string | number)[]) => parts.join(SEPARATOR);

export const TABLES = {
  conversation: (id: string) => key('conversation', id),
  past: (id: string) => key('past', id),
  timeline: (id: string, bucket: number) => key('timeline', id, bucket),
  inbox: (user: string, bucket: number) => key('inbox', user, bucket),
  head: (user: string) => key('head', user),
  membership: (user: string) => key('membership', user),
  checkpoint: (topic: TopicName, partition: number) => key('checkpoint', topic, partition),
  parked: (topic: TopicName, partition: number) => key('parked', topic, partition),
  canary: (partition: number) => key('canary', partition),
} as const;

/** The partition of a set of tables that has this name in set 0. */
export function inSet(set: number, partition: string): string {
  return set === 0 ? partition : key(`set ${set}`, partition);
}

/** The name in set 0 of a partition of this set; null if it is no derived one of it. */
export function nameInSet(set: number, partition: string): string | null {
  const [table, ...rest] = partition.split(SEPARATOR) as [string, ...string[]];
  if (set === 0) return table.startsWith('set ') || table === 'parked' ? null : partition;
  return table === `set ${set}` ? rest.join(SEPARATOR) : null;
}

const STATIC = 'static';
const MEMBER = 'member ';
export const ONLY = 'row';

type StaticRow = ConversationFlush['row'];

export class SimulatedStore {
  readonly scheduler: Scheduler;
  readonly replicas: Replicas;
  /** The last bucket of each timeline that was ever written to, by partition name of its first. */
  readonly lastBuckets = new Map<string, number>();
  /** Users with a head and conversations with a state, by set: what a scan finds. */
  readonly users = new Map<number, Set<string>>();
  readonly conversations = new Map<number, Set<string>>();
  readonly #accounts = new Map<string, AccountRow>();
  #generation: GenerationRow | null = null;
  rebuild: string | null = null;
  #unstamped = 0;
  #lastSet = 0;
  /** Of sets that their user had closed: none is right. */
  readonly uses = { afterClose: 0 };

  constructor(scheduler: Scheduler, faults: Faults) {
    this.scheduler = scheduler;
    this.replicas = new Replicas(scheduler, faults);
  }

  /** The stamp of every write that carries a position (R7). */
  stamp(position: Position): number {
    return position;
  }

  /** The stamp of the few writes that carry none: the last one to be asked for wins. */
  unstamped(): number {
    return ++this.#unstamped;
  }

  /** As TableSets opens one. @throws StoreError */
  openSet(process: SimProcess, set: number): Promise<StateStore> {
    return process.call('store.open', (answer) => {
      if (!this.replicas.faults.strikes('store_read_failed')) return answer.resolve(this.connect(process, set));
      this.replicas.faults.count('store_read_failed');
      answer.reject(new StoreError(`set ${set} could not be opened`));
    });
  }

  /** The store as `process` sees it, with the derived tables of one set. */
  connect(process: SimProcess, set = 0): StateStore {
    return new StoreConnection(this, process, set);
  }

  createGeneration(row: GenerationRow): GenerationRow {
    this.#generation ??= row;
    return this.#generation;
  }

  /** A number that no set had. */
  nextSet(): number {
    return ++this.#lastSet;
  }

  switchTables(next: { readonly tables: number; readonly epoch: number }): boolean {
    if (this.#generation === null || this.#generation.tables >= next.tables) return false;
    const { epochOfInbox, ...row } = this.#generation;
    this.#generation = withTablesInForce({ ...row, epoch: epochOfInbox ?? row.epoch }, next);
    return true;
  }

  get generation(): GenerationRow | null {
    return this.#generation;
  }

  get accounts(): Map<string, AccountRow> {
    return this.#accounts;
  }
}

class StoreConnection implements StateStore {
  readonly #store: SimulatedStore;
  readonly #replicas: Replicas;
  readonly #process: SimProcess;
  readonly #set: number;
  #isClosed = false;

  constructor(store: SimulatedStore, process: SimProcess, set: number) {
    this.#set = set;
    this.#store = store;
    this.#replicas = store.replicas;
    this.#process = process;
  }

  async loadConversation(conversationId: string): Promise<ConversationRow | null> {
    const rows = await this.#read('store.conversation', this.#in(TABLES.conversation(conversationId)));
    const row = rows.get(STATIC) as StaticRow | undefined;
    if (row === undefined) return null;
    return { ...row, members: membersOf(rows) };
  }

  flushConversations(flushes: readonly ConversationFlush[]): Promise<void> {
    note(this.#store.conversations, this.#set, flushes, ({ row }) => row.conversationId);
    const mutations = flushes.map(
      ({ row, members }): Mutation => ({
        partition: this.#in(TABLES.conversation(row.conversationId)),
        timestamp: this.#store.stamp(row.asOf),
        rows: [[STATIC, { ...row }], ...[...members].map(([user, member]) => [`${MEMBER}${user}`, member] as const)],
      }),
    );
    return this.#replicas.write(this.#process, 'store.flush', mutations);
  }

  writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]): Promise<void> {
    const { lastBuckets } = this.#store;
    for (const { conversationId, seq } of rows) {
      const name = this.#in(conversationId);
      lastBuckets.set(name, Math.max(bucketOf(seq), lastBuckets.get(name) ?? 0));
    }
    const mutations = [
      ...rows.map(
        (row): Mutation => ({
          partition: this.#in(TABLES.timeline(row.conversationId, bucketOf(row.seq))),
          timestamp: this.#store.stamp(row.position),
          rows: [[String(row.seq), { ...row, event: row.event.slice() }]],
        }),
      ),
      ...past.map(
        (row): Mutation => ({
          partition: this.#in(TABLES.past(row.conversationId)),
          timestamp: this.#store.stamp(row.position),
          rows: [[key(row.user, row.joinedSeq), { ...row }]],
        }),
      ),
    ];
    return this.#replicas.write(this.#process, 'store.timeline', mutations);
  }

  async readTimeline(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): Promise<readonly TimelineRow[]> {
    const from = Math.max(1, fromSeq);
    const first = bucketOf(from);
    // Whoever reads to the end of numbers would read empty buckets for ever.
    const last = Math.min(bucketOf(toSeq), this.#store.lastBuckets.get(this.#in(conversationId)) ?? 0);
    const buckets = Array.from({ length: Math.max(0, last - first + 1) }, (_, n) =>
      this.#in(TABLES.timeline(conversationId, first + n)),
    );
    const wanted = (row: string) => Number(row) >= from && Number(row) <= toSeq;
    const parts = await this.#replicas.readMany(this.#process, 'store.read_timeline', buckets, wanted);
    const rows = parts.flatMap((part) => [...part.values()] as TimelineRow[]);
    rows.sort((a, b) => (order === 'ascending' ? a.seq - b.seq : b.seq - a.seq));
    return rows.slice(0, rows_max);
  }

  async loadHeads(users: readonly string[]): Promise<readonly (HeadRow | null)[]> {
    const heads = users.map((user) => this.#in(TABLES.head(user)));
    const parts = await this.#replicas.readMany(this.#process, 'store.heads', heads, () => true);
    return parts.map((rows) => (rows.get(ONLY) as HeadRow | undefined) ?? null);
  }

  writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]): Promise<void> {
    const mutations = [
      ...rows.map(
        (row): Mutation => ({
          partition: this.#in(TABLES.inbox(row.user, bucketOf(row.inboxSeq))),
          timestamp: this.#store.stamp(row.position),
          rows: [[String(row.inboxSeq), { ...row }]],
        }),
      ),
      ...memberships.map(
        (row): Mutation => ({
          partition: this.#in(TABLES.membership(row.user)),
          timestamp: this.#store.stamp(row.position),
          rows: [[row.conversationId, { ...row }]],
        }),
      ),
    ];
    return this.#replicas.write(this.#process, 'store.inbox', mutations);
  }

  writeHeads(rows: readonly HeadRow[]): Promise<void> {
    note(this.#store.users, this.#set, rows, ({ user }) => user);
    const mutations = rows.map(
      (row): Mutation => ({
        partition: this.#in(TABLES.head(row.user)),
        timestamp: this.#store.stamp(row.headAsOf),
        rows: [[ONLY, { ...row }]],
      }),
    );
    return this.#replicas.write(this.#process, 'store.write_heads', mutations);
  }

  async readInbox(user: string, fromSeq: number, rows_max: number): Promise<readonly InboxRow[]> {
    const found: InboxRow[] = [];
    let next = Math.max(1, fromSeq);
    while (found.length < rows_max) {
      const bucket = bucketOf(next);
      const rows = await this.#read(
        'store.read_inbox',
        this.#in(TABLES.inbox(user, bucket)),
        (row) => Number(row) >= next,
      );
      while (bucketOf(next) === bucket && rows.has(String(next))) {
        found.push(rows.get(String(next)) as InboxRow);
        next++;
      }
      if (bucketOf(next) === bucket) break;
    }
    return found.slice(0, rows_max);
  }

  async readEvents(
    pointers: readonly { readonly conversationId: string; readonly seq: number }[],
  ): Promise<readonly (Uint8Array | null)[]> {
    const buckets = pointers.map(({ conversationId, seq }) => this.#in(TABLES.timeline(conversationId, bucketOf(seq))));
    const parts = await this.#replicas.readMany(this.#process, 'store.read_events', buckets, () => true);
    return parts.map((rows, index) => {
      const row = rows.get(String(pointers[index]!.seq)) as TimelineRow | undefined;
      return row?.event ?? null;
    });
  }

  async readMemberships(user: string): Promise<readonly MembershipRow[]> {
    const rows = await this.#read('store.memberships', this.#in(TABLES.membership(user)));
    return [...rows.values()].map((row) => row as MembershipRow);
  }

  async readReader(conversationId: string, user: string): Promise<ReaderView | null> {
    // The present first: whoever leaves between the two reads is seen twice, not never.
    const rows = await this.#read('store.reader', this.#in(TABLES.conversation(conversationId)), (row) => {
      return row === STATIC || row === `${MEMBER}${user}`;
    });
    const row = rows.get(STATIC) as StaticRow | undefined;
    if (row === undefined) return null;
    const past = await this.#read('store.past', this.#in(TABLES.past(conversationId)), (row) =>
      row.startsWith(key(user, '')),
    );
    return {
      row,
      member: (rows.get(`${MEMBER}${user}`) as MemberRow | undefined) ?? null,
      past: [...past.values()].map((interval) => interval as PastMemberRow).sort((a, b) => a.joinedSeq - b.joinedSeq),
    };
  }

  async loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null> {
    const rows = await this.#read('store.checkpoint', this.#in(TABLES.checkpoint(topic, partition)));
    return (rows.get(ONLY) as Checkpoint | undefined) ?? null;
  }

  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void> {
    const copy = { ...checkpoint, sources: { ...checkpoint.sources } };
    const mutation = {
      partition: this.#in(TABLES.checkpoint(topic, partition)),
      timestamp: this.#store.unstamped(),
      rows: [[ONLY, copy]] as const,
    };
    return this.#replicas.write(this.#process, 'store.save_checkpoint', [mutation]);
  }

  async readParked(topic: TopicName, partition: number): Promise<ReadonlySet<number>> {
    const rows = await this.#read('store.parked', TABLES.parked(topic, partition));
    return new Set([...rows.keys()].map(Number));
  }

  park(topic: TopicName, partition: number, offset: number): Promise<void> {
    const partitionKey = TABLES.parked(topic, partition);
    const mutation = { partition: partitionKey, timestamp: 0, rows: [[String(offset), true]] as const };
    return this.#replicas.write(this.#process, 'store.park', [mutation]);
  }

  writeCanary(partition: number, canaryId: string): Promise<void> {
    const timestamp = this.#store.unstamped();
    const mutation = { partition: this.#in(TABLES.canary(partition)), timestamp, rows: [[ONLY, canaryId]] as const };
    return this.#replicas.write(this.#process, 'store.canary', [mutation]);
  }

  async *scanHeads(): AsyncGenerator<readonly HeadRow[]> {
    const users = [...(this.#store.users.get(this.#set) ?? [])];
    for (let i = 0; i < users.length; i += SCAN_PAGE_ROWS) {
      const heads = await this.loadHeads(users.slice(i, i + SCAN_PAGE_ROWS));
      yield heads.filter((head) => head !== null);
    }
  }

  async *scanConversations(): AsyncGenerator<readonly string[]> {
    const ids = [...(this.#store.conversations.get(this.#set) ?? [])];
    for (let i = 0; i < ids.length; i += SCAN_PAGE_ROWS) {
      const page = ids.slice(i, i + SCAN_PAGE_ROWS);
      const rows = await Promise.all(page.map((id) => this.loadConversation(id)));
      yield page.filter((_, index) => rows[index] !== null);
    }
  }

  async readPast(conversationId: string): Promise<readonly PastMemberRow[]> {
    const rows = await this.#read('store.past', this.#in(TABLES.past(conversationId)));
    return [...rows.values()].map((row) => row as PastMemberRow);
  }

  async durable(): Promise<void> {}

  loadRebuild(): Promise<string | null> {
    return this.#process.call('store.rebuild', (answer) => answer.resolve(this.#store.rebuild));
  }

  saveRebuild(state: string): Promise<void> {
    return this.#process.call('store.save_rebuild', (answer) => {
      this.#store.rebuild = state;
      answer.resolve();
    });
  }

  switchTables(next: { readonly tables: number; readonly epoch: number }): Promise<boolean> {
    return this.#process.call('store.switch_tables', (answer) => answer.resolve(this.#store.switchTables(next)));
  }

  loadGeneration(): Promise<GenerationRow | null> {
    return this.#process.call('store.generation', (answer) => answer.resolve(this.#store.generation));
  }

  createGeneration(row: GenerationRow): Promise<GenerationRow> {
    return this.#process.call('store.create_generation', (answer) => answer.resolve(this.#store.createGeneration(row)));
  }

  createAccount(row: AccountRow): Promise<boolean> {
    return this.#process.call('store.create_account', (answer) => {
      const fresh = !this.#store.accounts.has(row.user);
      if (fresh) this.#store.accounts.set(row.user, row);
      answer.resolve(fresh);
    });
  }

  loadAccount(user: string): Promise<AccountRow | null> {
    return this.#process.call('store.account', (answer) => answer.resolve(this.#store.accounts.get(user) ?? null));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #in(partition: string): string {
    if (this.#isClosed) this.#store.uses.afterClose++;
    return inSet(this.#set, partition);
  }

  #read(label: string, partition: string, select?: (row: string) => boolean): Promise<Rows> {
    return this.#replicas.read(this.#process, label, partition, select);
  }
}

function membersOf(rows: Rows): MemberRow[] {
  const members: MemberRow[] = [];
  for (const [row, value] of rows) if (row.startsWith(MEMBER)) members.push(value as MemberRow);
  return members.sort((a, b) => (a.user < b.user ? -1 : a.user > b.user ? 1 : 0));
}

function note<T>(names: Map<number, Set<string>>, set: number, rows: readonly T[], nameOf: (row: T) => string): void {
  const known = names.get(set) ?? new Set();
  for (const row of rows) known.add(nameOf(row));
  names.set(set, known);
}
