// Inboxes, in buckets of inboxSeq; heads; each user's conversations.
import { ENTRY_KINDS, type EntryKind } from '../../../events/inbox-records.ts';
import type { HeadRow, InboxRow, MembershipRow } from '../state-store.ts';
import type { CassandraSession, Row } from './cassandra-session.ts';
import { forEachBounded } from './in-flight-gate.ts';
import { bucketOf, fromLong, toLong } from './numbers.ts';
import { statement } from './statement.ts';
import type { AddWrite } from './write-queue.ts';

const statements = {
  writeRow: statement(
    'INSERT INTO inbox (user, bucket, inbox_seq, conversation, seq, kind) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?',
  ),
  readRows: statement(
    `SELECT inbox_seq, conversation, seq, kind, WRITETIME(seq) AS position FROM inbox
     WHERE user = ? AND bucket = ? AND inbox_seq >= ? LIMIT ?`,
  ),
  writeHead: statement('INSERT INTO head (user, head, head_as_of, minimum_seq) VALUES (?, ?, ?, ?) USING TIMESTAMP ?'),
  scanHeads: statement('SELECT user, head, head_as_of, minimum_seq FROM head'),
  readHead: statement('SELECT head, head_as_of, minimum_seq FROM head WHERE user = ?'),
  writeMembership: statement(
    'INSERT INTO membership (user, conversation, joined_seq, left_seq) VALUES (?, ?, ?, ?) USING TIMESTAMP ?',
  ),
  readMemberships: statement(
    `SELECT conversation, joined_seq, left_seq, WRITETIME(joined_seq) AS position FROM membership WHERE user = ?`,
  ),
};

const PAGE_ROWS = 1_000;
/** Heads of a slice's new recipients: up to 10,000 at a takeover. */
const HEAD_LANES = 192;
/** Of a mutation, besides ids (measured: 149 bytes with ids of 9 and 21). */
const ROW_BYTES = 120;

const KIND_NUMBERS = new Map<string, number>(ENTRY_KINDS.map((kind, number) => [kind, number]));

export class InboxTable {
  readonly #session: CassandraSession;
  readonly #bucket_rows: number;

  constructor(session: CassandraSession, bucket_rows: number) {
    this.#session = session;
    this.#bucket_rows = bucket_rows;
  }

  addRow(add: AddWrite, { user, inboxSeq, conversationId, seq, kind, position }: InboxRow): void {
    const key = [user, toLong(bucketOf(inboxSeq, this.#bucket_rows))];
    const cells = [conversationId, toLong(seq), KIND_NUMBERS.get(kind)];
    const parameters = [...key, toLong(inboxSeq), ...cells, toLong(position)];
    add(key, { statement: statements.writeRow, parameters }, ROW_BYTES + user.length + conversationId.length);
  }

  addMembership(add: AddWrite, { user, conversationId, joinedSeq, leftSeq, position }: MembershipRow): void {
    const parameters = [user, conversationId, toLong(joinedSeq), toLong(leftSeq ?? 0), toLong(position)];
    const bytes = ROW_BYTES + user.length + conversationId.length;
    add([user], { statement: statements.writeMembership, parameters }, bytes);
  }

  addHead(add: AddWrite, { user, head, headAsOf, minimumSeq }: HeadRow): void {
    const parameters = [user, toLong(head), toLong(headAsOf), toLong(minimumSeq), toLong(headAsOf)];
    add([user], { statement: statements.writeHead, parameters }, ROW_BYTES + user.length);
  }

  async readHeads(users: readonly string[]): Promise<(HeadRow | null)[]> {
    const heads = new Array<HeadRow | null>(users.length).fill(null);
    await forEachBounded(users, HEAD_LANES, async (user, place) => {
      const [row] = (await this.#session.run(statements.readHead, [user])).rows;
      if (row !== undefined) heads[place] = headOf(user, row);
    });
    return heads;
  }

  async *scanHeads(): AsyncGenerator<readonly HeadRow[]> {
    for await (const rows of this.#session.pages(statements.scanHeads, PAGE_ROWS))
      yield rows.map((row) => headOf(row.user as string, row));
  }

  /** Dense from `fromSeq` on: a bucket that does not end with its last row is the last one. */
  async readRows(user: string, fromSeq: number, rows_max: number): Promise<InboxRow[]> {
    const rows: InboxRow[] = [];
    let next = fromSeq;
    while (rows.length < rows_max) {
      const bucket = bucketOf(next, this.#bucket_rows);
      const parameters = [user, toLong(bucket), toLong(next), rows_max - rows.length];
      for (const row of await this.#session.readAll(statements.readRows, parameters, PAGE_ROWS)) {
        if (fromLong(row.inbox_seq) !== next) return rows;
        rows.push({
          user,
          inboxSeq: next,
          conversationId: row.conversation as string,
          seq: fromLong(row.seq),
          kind: kindOf(row.kind),
          position: fromLong(row.position),
        });
        next++;
      }
      if (bucketOf(next, this.#bucket_rows) === bucket) return rows;
    }
    return rows;
  }

  async readMemberships(user: string): Promise<MembershipRow[]> {
    const rows = await this.#session.readAll(statements.readMemberships, [user], PAGE_ROWS);
    return rows.map((row) => {
      const leftSeq = fromLong(row.left_seq);
      return {
        user,
        conversationId: row.conversation as string,
        joinedSeq: fromLong(row.joined_seq),
        leftSeq: leftSeq === 0 ? null : leftSeq,
        position: fromLong(row.position),
      };
    });
  }
}

function headOf(user: string, row: Row): HeadRow {
  const [head, headAsOf] = [fromLong(row.head), fromLong(row.head_as_of)];
  return { user, head, headAsOf, minimumSeq: fromLong(row.minimum_seq) };
}

function kindOf(number: unknown): EntryKind {
  const kind = ENTRY_KINDS[number as number];
  if (kind === undefined) throw new Error(`an inbox row has kind ${String(number)}: written by a later version`);
  return kind;
}
