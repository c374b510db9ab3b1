// The state on lmdb, written behind: a write lands in memory, where reads look first, and goes to lmdb with everything
// else of the last two seconds. Why that loses nothing is in ../README.md: what is derived is on disk as it was
// at some point of the past, never a checkpoint without the rows below it, and the log has all that came after.
import type { TopicName } from '../../../events/topics.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import type { Table } from '../../log/embedded/open-environment.ts';
import {
  type AccountRow,
  type Checkpoint,
  type ConversationFlush,
  type ConversationRow,
  type GenerationRow,
  type HeadRow,
  type InboxRow,
  type MembershipRow,
  type PastMemberRow,
  type ReaderView,
  type StateStore,
  StoreError,
  type TimelineRow,
} from '../state-store.ts';
import { ColdTable } from './cold-table.ts';
import { ConversationTable } from './conversation-table.ts';
import { InboxTable } from './inbox-table.ts';
import { DERIVED_TABLES } from './keys.ts';
import { RowTable } from './row-table.ts';
import { TimelineTable } from './timeline-table.ts';
import { type Generation, WriteBehind } from './write-behind.ts';

export class LmdbStateStore implements StateStore {
  readonly #table: RowTable;
  readonly #conversations: ConversationTable;
  readonly #timeline: TimelineTable;
  readonly #inbox: InboxTable;
  readonly #cold: ColdTable;
  readonly #behind: WriteBehind;

  constructor({ state }: { readonly state: Table }, runtime: Runtime) {
    this.#table = new RowTable(state);
    this.#conversations = new ConversationTable(this.#table);
    this.#timeline = new TimelineTable(this.#table);
    this.#inbox = new InboxTable(this.#table);
    this.#cold = new ColdTable(this.#table);
    this.#behind = new WriteBehind(
      runtime,
      () => this.#leave(),
      () => this.#generation(),
    );
  }

  async loadConversation(conversationId: string): Promise<ConversationRow | null> {
    return this.#conversations.load(conversationId);
  }

  flushConversations(flushes: readonly ConversationFlush[]): Promise<void> {
    let rows = 0;
    for (const flush of flushes) rows += this.#conversations.flush(flush);
    return this.#behind.added(rows);
  }

  writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]): Promise<void> {
    for (const row of rows) this.#timeline.write(row);
    for (const row of past) this.#conversations.writePast(row);
    return this.#behind.added(rows.length + past.length);
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
    return users.map((user) => this.#inbox.head(user));
  }

  writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]): Promise<void> {
    for (let i = 0; i < rows.length; i++) this.#inbox.writeRow(rows[i]!);
    for (const row of memberships) this.#inbox.writeMembership(row);
    return this.#behind.added(rows.length + memberships.length);
  }

  writeHeads(rows: readonly HeadRow[]): Promise<void> {
    for (const row of rows) this.#inbox.writeHead(row);
    return this.#behind.added(rows.length);
  }

  async readInbox(user: string, fromSeq: number, rows_max: number): Promise<readonly InboxRow[]> {
    return this.#inbox.readRows(user, fromSeq, rows_max);
  }

  async readEvents(
    pointers: readonly { readonly conversationId: string; readonly seq: number }[],
  ): Promise<readonly (Uint8Array | null)[]> {
    return pointers.map(({ conversationId, seq }) => this.#timeline.event(conversationId, seq));
  }

  async readMemberships(user: string): Promise<readonly MembershipRow[]> {
    return this.#inbox.readMemberships(user);
  }

  async readReader(conversationId: string, user: string): Promise<ReaderView | null> {
    return this.#conversations.readReader(conversationId, user);
  }

  async loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null> {
    return this.#cold.checkpoint(topic, partition);
  }

  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void> {
    this.#cold.writeCheckpoint(topic, partition, checkpoint);
    return this.#behind.added(1);
  }

  async readParked(topic: TopicName, partition: number): Promise<ReadonlySet<number>> {
    return this.#cold.parked(topic, partition);
  }

  park(topic: TopicName, partition: number, offset: number): Promise<void> {
    return this.#cold.park(topic, partition, offset).catch(asStoreError);
  }

  writeCanary(partition: number, canaryId: string): Promise<void> {
    this.#cold.writeCanary(partition, canaryId);
    return this.#behind.added(1);
  }

  scanHeads(): AsyncIterable<readonly HeadRow[]> {
    return this.#inbox.scanHeads();
  }

  scanConversations(): AsyncIterable<readonly string[]> {
    return this.#conversations.scan();
  }

  async readPast(conversationId: string): Promise<readonly PastMemberRow[]> {
    return this.#conversations.readPast(conversationId);
  }

  async loadRebuild(): Promise<string | null> {
    return this.#cold.rebuild();
  }

  saveRebuild(state: string): Promise<void> {
    return this.#cold.writeRebuild(state).catch(asStoreError);
  }

  /** Removes the rows of every derived table from the disk; pending ones follow when they arrive. @throws StoreError */
  async clearDerived(): Promise<void> {
    for (const table of DERIVED_TABLES) await this.#table.clear(table).catch(asStoreError);
  }

  async loadGeneration(): Promise<GenerationRow | null> {
    // Another process may have put a set of tables in force.
    this.#table.refresh();
    return this.#cold.generation();
  }

  switchTables(next: { readonly tables: number; readonly epoch: number }): Promise<boolean> {
    this.#table.refresh();
    return this.#cold.switchTables(next).catch(asStoreError);
  }

  createGeneration(row: GenerationRow): Promise<GenerationRow> {
    return this.#cold.createGeneration(row).catch(asStoreError);
  }

  createAccount(row: AccountRow): Promise<boolean> {
    return this.#cold.createAccount(row).catch(asStoreError);
  }

  async loadAccount(user: string): Promise<AccountRow | null> {
    return this.#cold.account(user);
  }

  durable(): Promise<void> {
    return this.#behind.flush();
  }

  /** Writes what is pending. The environment stays open: the log may still need it. */
  close(): Promise<void> {
    return this.#behind.close();
  }

  #leave(): Generation {
    for (const table of [this.#conversations, this.#timeline, this.#inbox, this.#cold]) table.leave();
    return this.#generation();
  }

  #generation(): Generation {
    return {
      steps: this.#steps(),
      committed: () => this.#table.committed(),
      arrived: () => {
        this.#table.refresh();
        for (const table of [this.#conversations, this.#timeline, this.#inbox, this.#cold]) table.arrived();
      },
    };
  }

  /** The order of rules R4 and R6: what others speak of goes first, checkpoints last. */
  *#steps(): Generator<number> {
    yield* this.#timeline.steps();
    yield* this.#conversations.pastSteps();
    yield* this.#inbox.rowSteps();
    yield* this.#conversations.conversationSteps();
    yield* this.#inbox.headSteps();
    yield* this.#cold.canarySteps();
    yield* this.#cold.checkpointSteps();
  }
}

function asStoreError(error: unknown): never {
  throw new StoreError(`the disk did not take it: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
