// A set of tables as a whole StateStore: derived rows are the set's, everything else is the base's.
import type { TopicName } from '../../events/topics.ts';
import type {
  AccountRow,
  Checkpoint,
  ConversationFlush,
  GenerationRow,
  HeadRow,
  InboxRow,
  MembershipRow,
  PastMemberRow,
  StateStore,
  TimelineRow,
} from './state-store.ts';

export class TableSetStore implements StateStore {
  readonly #base: StateStore;
  readonly #set: StateStore;
  readonly #close: () => Promise<void>;

  /** `close`: gives back what was opened for the set. The base stays open. */
  constructor(base: StateStore, set: StateStore, close: () => Promise<void>) {
    this.#base = base;
    this.#set = set;
    this.#close = close;
  }

  // --- derived: the set's

  loadConversation(conversationId: string) {
    return this.#set.loadConversation(conversationId);
  }

  flushConversations(flushes: readonly ConversationFlush[]) {
    return this.#set.flushConversations(flushes);
  }

  writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]) {
    return this.#set.writeTimeline(rows, past);
  }

  readTimeline(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ) {
    return this.#set.readTimeline(conversationId, fromSeq, toSeq, rows_max, order);
  }

  loadHeads(users: readonly string[]) {
    return this.#set.loadHeads(users);
  }

  writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]) {
    return this.#set.writeInbox(rows, memberships);
  }

  writeHeads(rows: readonly HeadRow[]) {
    return this.#set.writeHeads(rows);
  }

  readInbox(user: string, fromSeq: number, rows_max: number) {
    return this.#set.readInbox(user, fromSeq, rows_max);
  }

  readEvents(pointers: readonly { readonly conversationId: string; readonly seq: number }[]) {
    return this.#set.readEvents(pointers);
  }

  readMemberships(user: string) {
    return this.#set.readMemberships(user);
  }

  readReader(conversationId: string, user: string) {
    return this.#set.readReader(conversationId, user);
  }

  loadCheckpoint(topic: TopicName, partition: number) {
    return this.#set.loadCheckpoint(topic, partition);
  }

  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint) {
    return this.#set.saveCheckpoint(topic, partition, checkpoint);
  }

  writeCanary(partition: number, canaryId: string) {
    return this.#set.writeCanary(partition, canaryId);
  }

  scanHeads() {
    return this.#set.scanHeads();
  }

  scanConversations() {
    return this.#set.scanConversations();
  }

  readPast(conversationId: string) {
    return this.#set.readPast(conversationId);
  }

  durable() {
    return this.#set.durable();
  }

  // --- administration and primary data: the base's

  readParked(topic: TopicName, partition: number) {
    return this.#base.readParked(topic, partition);
  }

  park(topic: TopicName, partition: number, offset: number) {
    return this.#base.park(topic, partition, offset);
  }

  loadGeneration() {
    return this.#base.loadGeneration();
  }

  createGeneration(row: GenerationRow) {
    return this.#base.createGeneration(row);
  }

  switchTables(next: { readonly tables: number; readonly epoch: number }) {
    return this.#base.switchTables(next);
  }

  loadRebuild() {
    return this.#base.loadRebuild();
  }

  saveRebuild(state: string) {
    return this.#base.saveRebuild(state);
  }

  createAccount(row: AccountRow) {
    return this.#base.createAccount(row);
  }

  loadAccount(user: string) {
    return this.#base.loadAccount(user);
  }

  close(): Promise<void> {
    return this.#close();
  }
}
