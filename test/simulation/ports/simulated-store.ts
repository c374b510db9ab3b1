// The tables of the store on simulated replicas, laid out as in Cassandra, in buckets of 4.
import type { Position } from '../../../services/events/position.ts';
import type { TopicName } from '../../../services/events/topics.ts';
import type {
  AccountRow,
  Checkpoint,
  ConversationFlush,
  ConversationRow,
  GenerationRow,
  HeadRow,
  InboxRow,
  MemberRow,
  MembershipRow,
  PastMemberRow,
  ReaderView,
  StateStore,
  TimelineRow,
} from '../../../services/ports/store/state-store.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import { type Mutation, Replicas, type Rows } from './replicas.ts';

// 4 rows a bucket where the real store has 4,096: bucket borders are crossed all the time.
const BUCKET_ROWS = 4;
const bucketOf = (seq: number) => Math.floor(seq / BUCKET_ROWS);

/** No id holds it. */
export const SEPARATOR = '\u0000';
const key = (...parts: (string | number)[]) => parts.join(SEPARATOR);

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

const STATIC = 'static';
const MEMBER = 'member ';
const ONLY = 'row';

type StaticRow = ConversationFlush['row'];

export class SimulatedStore {
  readonly scheduler: Scheduler;
  readonly replicas: Replicas;
  /** The last bucket of each timeline that was ever written to. */
  readonly lastBuckets = new Map<string, number>();
  readonly #accounts = new Map<string, AccountRow>();
  #generation: GenerationRow | null = null;
  #unstamped = 0;

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

  /** The store as `process` sees it. */
  connect(process: SimProcess): StateStore {
    return new StoreConnection(this, process);
  }

  createGeneration(row: GenerationRow): GenerationRow {
    this.#generation ??= row;
    return this.#generation;
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

  constructor(store: SimulatedStore, process: SimProcess) {
    this.#store = store;
    this.#replicas = store.replicas;
    this.#process = process;
  }

  async loadConversation(conversationId: string): Promise<ConversationRow | null> {
    const rows = await this.#read('store.conversation', TABLES.conversation(conversationId));
    const row = rows.get(STATIC) as StaticRow | undefined;
    if (row === undefined) return null;
    return { ...row, members: membersOf(rows) };
  }

  flushConversations(flushes: readonly ConversationFlush[]): Promise<void> {
    const mutations = flushes.map(
      ({ row, members }): Mutation => ({
        partition: TABLES.conversation(row.conversationId),
        timestamp: this.#store.stamp(row.asOf),
        rows: [[STATIC, { ...row }], ...[...members].map(([user, member]) => [`${MEMBER}${user}`, member] as const)],
      }),
    );
    return this.#replicas.write(this.#process, 'store.flush', mutations);
  }

  writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]): Promise<void> {
    const { lastBuckets } = this.#store;
    for (const { conversationId, seq } of rows) {
      lastBuckets.set(conversationId, Math.max(bucketOf(seq), lastBuckets.get(conversationId) ?? 0));
    }
    const mutations = [
      ...rows.map(
        (row): Mutation => ({
          partition: TABLES.timeline(row.conversationId, bucketOf(row.seq)),
          timestamp: this.#store.stamp(row.position),
          rows: [[String(row.seq), { ...row, event: row.event.slice() }]],
        }),
      ),
      ...past.map(
        (row): Mutation => ({
          partition: TABLES.past(row.conversationId),
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
    const last = Math.min(bucketOf(toSeq), this.#store.lastBuckets.get(conversationId) ?? 0);
    const buckets = Array.from({ length: Math.max(0, last - first + 1) }, (_, n) =>
      TABLES.timeline(conversationId, first + n),
    );
    const wanted = (row: string) => Number(row) >= from && Number(row) <= toSeq;
    const parts = await this.#replicas.readMany(this.#process, 'store.read_timeline', buckets, wanted);
    const rows = parts.flatMap((part) => [...part.values()] as TimelineRow[]);
    rows.sort((a, b) => (order === 'ascending' ? a.seq - b.seq : b.seq - a.seq));
    return rows.slice(0, rows_max);
  }

  async loadHeads(users: readonly string[]): Promise<readonly (HeadRow | null)[]> {
    const parts = await this.#replicas.readMany(this.#process, 'store.heads', users.map(TABLES.head), () => true);
    return parts.map((rows) => (rows.get(ONLY) as HeadRow | undefined) ?? null);
  }

  writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]): Promise<void> {
    const mutations = [
      ...rows.map(
        (row): Mutation => ({
          partition: TABLES.inbox(row.user, bucketOf(row.inboxSeq)),
          timestamp: this.#store.stamp(row.position),
          rows: [[String(row.inboxSeq), { ...row }]],
        }),
      ),
      ...memberships.map(
        (row): Mutation => ({
          partition: TABLES.membership(row.user),
          timestamp: this.#store.stamp(row.position),
          rows: [[row.conversationId, { ...row }]],
        }),
      ),
    ];
    return this.#replicas.write(this.#process, 'store.inbox', mutations);
  }

  writeHeads(rows: readonly HeadRow[]): Promise<void> {
    const mutations = rows.map(
      (row): Mutation => ({
        partition: TABLES.head(row.user),
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
      const rows = await this.#read('store.read_inbox', TABLES.inbox(user, bucket), (row) => Number(row) >= next);
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
    const buckets = pointers.map(({ conversationId, seq }) => TABLES.timeline(conversationId, bucketOf(seq)));
    const parts = await this.#replicas.readMany(this.#process, 'store.read_events', buckets, () => true);
    return parts.map((rows, index) => {
      const row = rows.get(String(pointers[index]!.seq)) as TimelineRow | undefined;
      return row?.event ?? null;
    });
  }

  async readMemberships(user: string): Promise<readonly MembershipRow[]> {
    const rows = await this.#read('store.memberships', TABLES.membership(user));
    return [...rows.values()].map((row) => row as MembershipRow);
  }

  async readReader(conversationId: string, user: string): Promise<ReaderView | null> {
    // The present first: whoever leaves between the two reads is seen twice, not never.
    const rows = await this.#read('store.reader', TABLES.conversation(conversationId), (row) => {
      return row === STATIC || row === `${MEMBER}${user}`;
    });
    const row = rows.get(STATIC) as StaticRow | undefined;
    if (row === undefined) return null;
    const past = await this.#read('store.past', TABLES.past(conversationId), (row) => row.startsWith(key(user, '')));
    return {
      row,
      member: (rows.get(`${MEMBER}${user}`) as MemberRow | undefined) ?? null,
      past: [...past.values()].map((interval) => interval as PastMemberRow).sort((a, b) => a.joinedSeq - b.joinedSeq),
    };
  }

  async loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null> {
    const rows = await this.#read('store.checkpoint', TABLES.checkpoint(topic, partition));
    return (rows.get(ONLY) as Checkpoint | undefined) ?? null;
  }

  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void> {
    const copy = { ...checkpoint, sources: { ...checkpoint.sources } };
    const mutation = {
      partition: TABLES.checkpoint(topic, partition),
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
    const mutation = { partition: TABLES.canary(partition), timestamp, rows: [[ONLY, canaryId]] as const };
    return this.#replicas.write(this.#process, 'store.canary', [mutation]);
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
    return Promise.resolve();
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
