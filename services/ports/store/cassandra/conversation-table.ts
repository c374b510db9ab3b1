// Conversations: ONE partition each, read by one statement in one page, flushed by one batch with one timestamp. Two
// reads, or two batches, would mix positions.
//
//   g:x │ kind seq ordinal time as_of title member_limit   static, all of them in every flush, so all of one position
//       │ ''                                               see schema.ts
//       │ alice   role joined_seq                          a row per present member
//       │ bob     ✝ @17                                    a tombstone at the position of the removal
//
// A tombstone beats a write of the same timestamp. That never happens between two flushes of one position: the state at
// a position is a fact (R1), so whoever flushes it again writes the same rows and the same tombstones.
import { compareIds } from '../../../events/ids.ts';
import {
  type ConversationFlush,
  type ConversationRow,
  type MemberRow,
  type PastMemberRow,
  type ReaderView,
  type Role,
  StoreError,
} from '../state-store.ts';
import type { BoundStatement, CassandraSession, Row } from './cassandra-session.ts';
import { forEachBounded } from './in-flight-gate.ts';
import { fromLong, toLong } from './numbers.ts';
import { statement } from './statement.ts';
import type { AddWrite } from './write-queue.ts';

const STATICS = 'kind, seq, ordinal, time, as_of, title, member_limit';
const INTERVAL = 'user, joined_seq, left_seq, WRITETIME(left_seq) AS position';

const statements = {
  load: statement(`SELECT user, role, joined_seq, ${STATICS} FROM conversation WHERE conversation = ?`),
  scan: statement('SELECT DISTINCT conversation FROM conversation'),
  loadReader: statement(
    `SELECT user, role, joined_seq, ${STATICS} FROM conversation WHERE conversation = ? AND user IN ('', ?)`,
  ),
  writeStatics: statement(
    `INSERT INTO conversation (conversation, user, ${STATICS})
     VALUES (?, '', ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  ),
  writeMember: statement(
    'INSERT INTO conversation (conversation, user, role, joined_seq) VALUES (?, ?, ?, ?) USING TIMESTAMP ?',
  ),
  removeMember: statement('DELETE FROM conversation USING TIMESTAMP ? WHERE conversation = ? AND user = ?'),
  writePast: statement(
    'INSERT INTO past_member (conversation, user, joined_seq, left_seq) VALUES (?, ?, ?, ?) USING TIMESTAMP ?',
  ),
  readPast: statement(`SELECT ${INTERVAL} FROM past_member WHERE conversation = ?`),
  readPastOf: statement(`SELECT ${INTERVAL} FROM past_member WHERE conversation = ? AND user = ?`),
};

/** The greatest group has 500 members; a row takes 200 bytes on the wire, with the static columns repeated in each. */
const CONVERSATION_ROWS_MAX = 2_000;
/** Intervals: one reader joined and left that often. */
const PAST_PAGE_ROWS = 500;
/** A partition each. */
const SCAN_PAGE_ROWS = 1_000;
const FLUSHES_AT_ONCE = 64;
/** 250 bytes each: below the 5 KiB from which servers mention batches of several partitions. */
const MERGED_STATEMENTS_MAX = 16;

export class ConversationTable {
  readonly #session: CassandraSession;
  readonly #rows_max: number;

  constructor(session: CassandraSession, rows_max: number = CONVERSATION_ROWS_MAX) {
    this.#session = session;
    this.#rows_max = rows_max;
  }

  async load(conversationId: string): Promise<ConversationRow | null> {
    // One more than allowed: a page that is exactly full counts as one that may go on.
    const { rows, pageState } = await this.#session.run(statements.load, [conversationId], this.#rows_max + 1);
    if (pageState !== null)
      throw new StoreError(`conversation ${conversationId} does not fit into one page of ${this.#rows_max} rows`);
    const [first] = rows;
    if (first === undefined) return null;
    const members = rows.map(memberOf).filter((member) => member !== null);
    return { ...staticsOf(conversationId, first), members: members.sort((a, b) => compareIds(a.user, b.user)) };
  }

  async *scan(): AsyncGenerator<readonly string[]> {
    for await (const rows of this.#session.pages(statements.scan, SCAN_PAGE_ROWS))
      yield rows.map((row) => row.conversation as string);
  }

  async flush(flushes: readonly ConversationFlush[]): Promise<void> {
    await forEachBounded(this.#together(flushes), FLUSHES_AT_ONCE, (batch) => this.#session.runBatch(batch));
  }

  /**
   * Small flushes share a request where they share replicas (write-groups.ts): a second's flush of a partition of `messages`
   * is one of these, not one a conversation. Each conversation stays ONE mutation, applied as a whole.
   */
  #together(flushes: readonly ConversationFlush[]): BoundStatement[][] {
    const replicasOf = this.#session.replicasOf();
    const batches: BoundStatement[][] = [];
    const open = new Map<string, BoundStatement[]>();
    for (const flush of flushes) {
      const statements = batchOf(flush);
      const replicas = replicasOf === null ? '' : replicasOf([flush.row.conversationId]);
      const batch = open.get(replicas);
      if (batch !== undefined && batch.length + statements.length <= MERGED_STATEMENTS_MAX) {
        batch.push(...statements);
      } else {
        batches.push(statements);
        open.set(replicas, statements);
      }
    }
    return batches;
  }

  addPast(add: AddWrite, { conversationId, user, joinedSeq, leftSeq, position }: PastMemberRow): void {
    const parameters = [conversationId, user, toLong(joinedSeq), toLong(leftSeq), toLong(position)];
    add([conversationId], { statement: statements.writePast, parameters }, 200);
  }

  /** The conversation first, the intervals after it: a leave that the first read shows has its interval written. */
  async readReader(conversationId: string, user: string): Promise<ReaderView | null> {
    const { rows } = await this.#session.run(statements.loadReader, [conversationId, user]);
    const [first] = rows;
    if (first === undefined) return null;
    const past = await this.#session.readAll(statements.readPastOf, [conversationId, user], PAST_PAGE_ROWS);
    return {
      row: staticsOf(conversationId, first),
      member: rows.map(memberOf).find((member) => member !== null) ?? null,
      past: past.map((row) => intervalOf(conversationId, row)),
    };
  }

  async readPast(conversationId: string): Promise<readonly PastMemberRow[]> {
    const rows = await this.#session.readAll(statements.readPast, [conversationId], PAST_PAGE_ROWS);
    return rows.map((row) => intervalOf(conversationId, row));
  }
}

/** Everything touched, of one partition, with one timestamp. */
function batchOf({ row, members }: ConversationFlush): BoundStatement[] {
  const { conversationId } = row;
  const timestamp = toLong(row.asOf);
  const numbers = [row.seq, row.ordinal, row.time, row.asOf].map(toLong);
  const statics = [conversationId, row.kind, ...numbers, row.title, row.memberLimit, timestamp];
  const batch: BoundStatement[] = [{ statement: statements.writeStatics, parameters: statics }];
  for (const [user, member] of members) {
    if (member === null) {
      batch.push({ statement: statements.removeMember, parameters: [timestamp, conversationId, user] });
    } else {
      const parameters = [conversationId, user, member.role, toLong(member.joinedSeq), timestamp];
      batch.push({ statement: statements.writeMember, parameters });
    }
  }
  return batch;
}

function staticsOf(conversationId: string, row: Row): Omit<ConversationRow, 'members'> {
  return {
    conversationId,
    kind: row.kind as ConversationRow['kind'],
    seq: fromLong(row.seq),
    ordinal: fromLong(row.ordinal),
    time: fromLong(row.time),
    asOf: fromLong(row.as_of),
    title: row.title as string,
    memberLimit: row.member_limit as number,
  };
}

function intervalOf(conversationId: string, row: Row): PastMemberRow {
  return {
    conversationId,
    user: row.user as string,
    joinedSeq: fromLong(row.joined_seq),
    leftSeq: fromLong(row.left_seq),
    position: fromLong(row.position),
  };
}

function memberOf(row: Row): MemberRow | null {
  if (row.user === '' || row.user === null) return null;
  return { user: row.user as string, role: row.role as Role, joinedSeq: fromLong(row.joined_seq) };
}
