// The state in Cassandra or Scylla. Nothing is kept in memory; a write that resolved is at LOCAL_QUORUM.
//
// Why a late writer undoes nothing: every cell and tombstone of a row derived from the log carries the position of its
// record as its timestamp (R7), and replicas keep the higher of two. statement.ts sees to it that there is no other write.
import type { TopicName } from '../../../events/topics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import { systemRuntime } from '../../../kernel/system-runtime.ts';
import type {
  AccountRow,
  Checkpoint,
  ConversationFlush,
  ConversationRow,
  GenerationRow,
  HeadRow,
  InboxRow,
  MembershipRow,
  PastMemberRow,
  ReaderView,
  StateStore,
  TimelineRow,
} from '../state-store.ts';
import { CassandraSession, type CassandraSettings } from './cassandra-session.ts';
import { ColdTable } from './cold-table.ts';
import { ConversationTable } from './conversation-table.ts';
import { InboxTable } from './inbox-table.ts';
import { BUCKET_ROWS } from './numbers.ts';
import { TimelineTable } from './timeline-table.ts';
import { WriteQueue } from './write-queue.ts';

export interface CassandraStateStoreSettings extends CassandraSettings {
  /** The system's by default. */
  readonly runtime?: Runtime;
  /** Rows of one partition of `timeline` and `inbox`. NEVER changed in a keyspace that has rows. */
  readonly bucket_rows?: number;
  /** A conversation with more rows than this is an error. */
  readonly conversation_rows_max?: number;
}

export class CassandraStateStore implements StateStore {
  readonly #session: CassandraSession;
  readonly #writes: WriteQueue;
  readonly #conversations: ConversationTable;
  readonly #timeline: TimelineTable;
  readonly #inbox: InboxTable;
  readonly #cold: ColdTable;

  private constructor(session: CassandraSession, settings: CassandraStateStoreSettings) {
    const bucket_rows = settings.bucket_rows ?? BUCKET_ROWS;
    this.#session = session;
    this.#writes = new WriteQueue(session, settings.runtime ?? systemRuntime);
    this.#conversations = new ConversationTable(session, settings.conversation_rows_max);
    this.#timeline = new TimelineTable(session, bucket_rows);
    this.#inbox = new InboxTable(session, bucket_rows);
    this.#cold = new ColdTable(session);
  }

  /** Connects, and makes what is missing of keyspace and tables. @throws StoreError */
  static async open(settings: CassandraStateStoreSettings): Promise<CassandraStateStore> {
    return new CassandraStateStore(await CassandraSession.open(settings), settings);
  }

  loadConversation(conversationId: string): Promise<ConversationRow | null> {
    return this.#conversations.load(conversationId);
  }

  flushConversations(flushes: readonly ConversationFlush[]): Promise<void> {
    return this.#conversations.flush(flushes);
  }

  async writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]): Promise<void> {
    await this.#writes.write((add) => {
      for (const row of rows) this.#timeline.add(add, row);
      for (const row of past) this.#conversations.addPast(add, row);
    });
  }

  async readTimeline(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): Promise<readonly TimelineRow[]> {
    return this.#timeline.read(conversationId, fromSeq, toSeq, rows_max, order);
  }

  async loadHeads(users: readonly string[]): Promise<readonly (HeadRow | null)[]> {
    return this.#inbox.readHeads(users);
  }

  async writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]): Promise<void> {
    await this.#writes.write((add) => {
      for (const row of rows) this.#inbox.addRow(add, row);
      for (const row of memberships) this.#inbox.addMembership(add, row);
    });
  }

  async writeHeads(rows: readonly HeadRow[]): Promise<void> {
    await this.#writes.write((add) => {
      for (const row of rows) this.#inbox.addHead(add, row);
    });
  }

  async readInbox(user: string, fromSeq: number, rows_max: number): Promise<readonly InboxRow[]> {
    return this.#inbox.readRows(user, fromSeq, rows_max);
  }

  async readEvents(
    pointers: readonly { readonly conversationId: string; readonly seq: number }[],
  ): Promise<readonly (Uint8Array | null)[]> {
    return this.#timeline.readEvents(pointers);
  }

  async readMemberships(user: string): Promise<readonly MembershipRow[]> {
    return this.#inbox.readMemberships(user);
  }

  readReader(conversationId: string, user: string): Promise<ReaderView | null> {
    return this.#conversations.readReader(conversationId, user);
  }

  loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null> {
    return this.#cold.loadCheckpoint(topic, partition);
  }

  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void> {
    return this.#cold.saveCheckpoint(topic, partition, checkpoint);
  }

  readParked(topic: TopicName, partition: number): Promise<ReadonlySet<number>> {
    return this.#cold.readParked(topic, partition);
  }

  park(topic: TopicName, partition: number, offset: number): Promise<void> {
    return this.#cold.park(topic, partition, offset);
  }

  writeCanary(partition: number, canaryId: string): Promise<void> {
    return this.#cold.writeCanary(partition, canaryId);
  }

  scanHeads(): AsyncIterable<readonly HeadRow[]> {
    return this.#inbox.scanHeads();
  }

  /** A write that resolved is. */
  async durable(): Promise<void> {}

  scanConversations(): AsyncIterable<readonly string[]> {
    return this.#conversations.scan();
  }

  readPast(conversationId: string): Promise<readonly PastMemberRow[]> {
    return this.#conversations.readPast(conversationId);
  }

  loadRebuild(): Promise<string | null> {
    return this.#cold.loadRebuild();
  }

  saveRebuild(state: string): Promise<void> {
    return this.#cold.saveRebuild(state);
  }

  switchTables(next: { readonly tables: number; readonly epoch: number }): Promise<boolean> {
    return this.#cold.switchTables(next);
  }

  loadGeneration(): Promise<GenerationRow | null> {
    return this.#cold.loadGeneration();
  }

  createGeneration(row: GenerationRow): Promise<GenerationRow> {
    return this.#cold.createGeneration(row);
  }

  createAccount(row: AccountRow): Promise<boolean> {
    return this.#cold.createAccount(row);
  }

  loadAccount(user: string): Promise<AccountRow | null> {
    return this.#cold.loadAccount(user);
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}
