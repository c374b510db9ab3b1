// The derived state: tables as operations. Adapters: embedded/ (lmdb), cassandra/. Contract: test/contract/state-store.ts.
//
// Everything here can be thrown away and rebuilt from the log, but for accounts. Every write that carries a `position` is
// stamped with it: a write with a lower position never undoes one with a higher one, whenever it arrives (R7). Writes
// may be repeated. A write that throws may have been applied, now or later, in part of the replicas.
import type { EntryKind } from '../../events/inbox-records.ts';
import type { Position } from '../../events/position.ts';
import type { TopicName } from '../../events/topics.ts';

/** The store did not answer, or not in time. The caller repeats (writes) or tells its client to try again (reads). */
export class StoreError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
  }
}

export type Role = 'owner' | 'admin' | 'member';

export interface MemberRow {
  readonly user: string;
  readonly role: Role;
  /** The seq that made them a member; 1 for both sides of a direct conversation. */
  readonly joinedSeq: number;
}

/** A conversation's state except its remembered ids (those are the timeline's tail). ONE partition, one read (R2). */
export interface ConversationRow {
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  readonly seq: number;
  readonly ordinal: number;
  /** The conversation's time. */
  readonly time: number;
  /** The position in `messages` this state is true at. */
  readonly asOf: Position;
  readonly title: string;
  readonly memberLimit: number;
  /** Present members, sorted by user id as UTF-16 strings. */
  readonly members: readonly MemberRow[];
}

/** One flush: the static part and every member row touched since the last one, in one batch stamped `asOf`. */
export interface ConversationFlush {
  readonly row: Omit<ConversationRow, 'members'>;
  /** Touched users: their row now, or null for those no longer members. */
  readonly members: ReadonlyMap<string, MemberRow | null>;
}

export interface TimelineRow {
  readonly conversationId: string;
  readonly seq: number;
  readonly ordinal: number;
  readonly sender: string;
  readonly commandId: string;
  /** The event's time. */
  readonly time: number;
  readonly position: Position;
  /** The framed Avro event, as in the topic `timeline`. */
  readonly event: Uint8Array;
}

/** A membership that ended: its holder may read [joinedSeq, leftSeq] for ever. */
export interface PastMemberRow {
  readonly conversationId: string;
  readonly user: string;
  readonly joinedSeq: number;
  readonly leftSeq: number;
  readonly position: Position;
}

/** An entry of a user's inbox: a pointer, never a copy of the body. */
export interface InboxRow {
  readonly user: string;
  /** Dense from 1 for the user. */
  readonly inboxSeq: number;
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: EntryKind;
  /** Position of the record in `inbox`. */
  readonly position: Position;
}

export interface HeadRow {
  readonly user: string;
  /** A lower bound of the user's greatest inboxSeq. */
  readonly head: number;
  /** Every record of the user's inbox partition up to here is in the inbox rows. */
  readonly headAsOf: Position;
  /** Entries below were expired; 1 while none was. */
  readonly minimumSeq: number;
}

/** "My conversations". */
export interface MembershipRow {
  readonly user: string;
  readonly conversationId: string;
  readonly joinedSeq: number;
  /** null while present. */
  readonly leftSeq: number | null;
  /** Position of the record in `inbox`. */
  readonly position: Position;
}

/** Where a processor resumes. One cell: written and read whole. Written without a position stamp, last writer wins. */
export interface Checkpoint {
  /** Every record below this offset is done (generation in force). */
  readonly offset: number;
  /** Inbox processor: highest source position seen, by partition of `messages`. */
  readonly sources: Readonly<Record<number, Position>>;
  /** Fanout processor: the fold version in force after `offset`. */
  readonly foldVersion: number;
}

/** What a history request needs to decide what its reader may see; read by one statement. */
export interface ReaderView {
  readonly row: Omit<ConversationRow, 'members'>;
  /** The reader's row, if present. */
  readonly member: MemberRow | null;
  readonly past: readonly PastMemberRow[];
}

export interface AccountRow {
  readonly user: string;
  /** As `scrypt$...`; null for a user known only through the application's own tokens. */
  readonly passwordHash: string | null;
  readonly createdAt: number;
}

/** Partition counts, frozen at the first start (R10), and the set of tables in force. */
export interface GenerationRow {
  readonly generation: number;
  readonly partitions: { readonly [T in TopicName]: number };
  /** Which set of tables is in force (table-sets.ts); 0 from the first start. */
  readonly tables: number;
  /** Names the numbering of inboxes in that set; rises when inboxSeqs are re-derived. */
  readonly epoch: number;
  /** The numbering that replaying `inbox` gives: that of set 0. Absent while that one is in force. */
  readonly epochOfInbox?: number;
  /** Of the topics that these tables are derived from; none by default. */
  readonly prefix?: string;
}

/** The record with the last set that was put in force, if there was one. */
export function withTablesInForce(
  row: GenerationRow,
  last: Pick<GenerationRow, 'tables' | 'epoch'> | null | undefined,
): GenerationRow {
  if (last === null || last === undefined) return row;
  return { ...row, ...last, ...(last.epoch === row.epoch ? {} : { epochOfInbox: row.epoch }) };
}

export interface StateStore {
  // --- fanout
  loadConversation(conversationId: string): Promise<ConversationRow | null>;
  /** Each flush is one single-partition batch with one timestamp; several flushes are not atomic together. */
  flushConversations(flushes: readonly ConversationFlush[]): Promise<void>;
  writeTimeline(rows: readonly TimelineRow[], past: readonly PastMemberRow[]): Promise<void>;
  /**
   * Timeline rows of one conversation with fromSeq <= seq <= toSeq, at most `rows_max`, ascending (or descending from
   * toSeq). Rows that are not there are left out: the caller looks for holes.
   */
  readTimeline(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): Promise<readonly TimelineRow[]>;

  // --- inbox
  /** One result per user, in order; null for a user without a head row. */
  loadHeads(users: readonly string[]): Promise<readonly (HeadRow | null)[]>;
  writeInbox(rows: readonly InboxRow[], memberships: readonly MembershipRow[]): Promise<void>;
  writeHeads(rows: readonly HeadRow[]): Promise<void>;
  /** Rows of one user from `fromSeq` on, ascending, DENSE: it ends at the first hole, or at `rows_max`. */
  readInbox(user: string, fromSeq: number, rows_max: number): Promise<readonly InboxRow[]>;
  /** The events that inbox rows point to, in order; null where the row is not there (yet). */
  readEvents(
    pointers: readonly { readonly conversationId: string; readonly seq: number }[],
  ): Promise<readonly (Uint8Array | null)[]>;
  readMemberships(user: string): Promise<readonly MembershipRow[]>;

  // --- history, members
  readReader(conversationId: string, user: string): Promise<ReaderView | null>;

  // --- processors
  loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null>;
  saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void>;
  /** Offsets an operator parked: the fold passes over them (R8). */
  readParked(topic: TopicName, partition: number): Promise<ReadonlySet<number>>;
  park(topic: TopicName, partition: number, offset: number): Promise<void>;
  /** Overwrites the one canary row of an inbox partition: proves that rows can be written. */
  writeCanary(partition: number, canaryId: string): Promise<void>;

  // --- rebuilds and their comparison
  /** Every head row of the set, in no order, by pages. Rows written meanwhile may be missing. */
  scanHeads(): AsyncIterable<readonly HeadRow[]>;
  /** The id of every conversation of the set, likewise. */
  scanConversations(): AsyncIterable<readonly string[]>;
  /** Every membership of a conversation that ended, in no order; also without a row of the conversation itself. */
  readPast(conversationId: string): Promise<readonly PastMemberRow[]>;
  /** Resolves when every row written before is on disk, and found by scans. @throws StoreError */
  durable(): Promise<void>;
  /** What a rebuild keeps to be resumed: JSON, one cell, in the base set. null: none was begun. */
  loadRebuild(): Promise<string | null>;
  /** Durable when it resolves. The last one wins. */
  saveRebuild(state: string): Promise<void>;

  // --- administration and primary data: always those of the base set
  /** As it is now, also when another process has just put a set in force. */
  loadGeneration(): Promise<GenerationRow | null>;
  /**
   * Puts a set in force with its epoch; false when that number or a higher one was already. Durable when it resolves.
   * After a StoreError `loadGeneration` tells whether it was.
   */
  switchTables(next: { readonly tables: number; readonly epoch: number }): Promise<boolean>;
  /** Writes the record if there is none; returns the one in force. */
  createGeneration(row: GenerationRow): Promise<GenerationRow>;
  /** false when the user exists. The one lightweight transaction. Durable when it resolves. */
  createAccount(row: AccountRow): Promise<boolean>;
  loadAccount(user: string): Promise<AccountRow | null>;

  close(): Promise<void>;
}
