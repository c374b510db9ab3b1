// Inboxes: rows (as runs, inbox-runs.ts), heads, and each user's conversations.
import type { HeadRow, InboxRow, MembershipRow } from '../state-store.ts';
import { decodeRun, forEachRun, RUN_ROWS_MAX, type Run } from './inbox-runs.ts';
import { key, LAST, partsOf, stableKey, TABLES } from './keys.ts';
import { PendingInbox } from './pending-inbox.ts';
import { PendingCells, PendingRows } from './pending-rows.ts';
import type { RowTable } from './row-table.ts';
import { decodeHead, decodeMembership, encodeHead, encodeMembership } from './rows.ts';

export class InboxTable {
  readonly #table: RowTable;
  readonly #rows = new PendingInbox();
  readonly #heads = new PendingCells<HeadRow>();
  readonly #memberships = new PendingRows<string, MembershipRow>();

  constructor(table: RowTable) {
    this.#table = table;
  }

  writeRow(row: InboxRow): void {
    this.#rows.add(row);
  }

  writeHead(row: HeadRow): void {
    const stored = this.head(row.user);
    if (stored === null || stored.headAsOf <= row.headAsOf) this.#heads.set(row.user, row);
  }

  writeMembership(row: MembershipRow): void {
    const { user, conversationId, position } = row;
    let stored = this.#memberships.get(user, conversationId);
    if (stored === undefined) {
      const bytes = this.#table.get(key(TABLES.membership, user, conversationId));
      if (bytes !== undefined) stored = decodeMembership(user, conversationId, bytes);
    }
    if (stored === undefined || stored.position <= position) this.#memberships.set(user, conversationId, row);
  }

  head(user: string): HeadRow | null {
    const pending = this.#heads.get(user);
    if (pending !== undefined) return pending;
    const bytes = this.#table.get(key(TABLES.head, user));
    return bytes === undefined ? null : decodeHead(user, bytes);
  }

  /** What is pending is asked for first: it may arrive behind the place that the scan has reached. */
  async *scanHeads(): AsyncGenerator<readonly HeadRow[]> {
    const pending = this.#heads.keys();
    for await (const page of this.#table.pages(TABLES.head))
      yield page.map(({ key: bytes, value }) => {
        const user = partsOf(bytes).text();
        pending.delete(user);
        return this.#heads.get(user) ?? decodeHead(user, value);
      });
    if (pending.size > 0) yield [...pending].map((user) => this.head(user)!);
  }

  /** Dense from `fromSeq` on. */
  readRows(user: string, fromSeq: number, rows_max: number): InboxRow[] {
    const rows: (InboxRow | undefined)[] = [];
    const take = (row: InboxRow) => {
      const place = row.inboxSeq - fromSeq;
      if (place < 0 || place >= rows_max) return;
      const other = rows[place];
      if (other === undefined || other.position <= row.position) rows[place] = row;
    };
    this.#rows.forEachOf(user, take);
    const start = stableKey(TABLES.inbox, user, Math.max(0, fromSeq - RUN_ROWS_MAX + 1));
    const end = stableKey(TABLES.inbox, user, Math.min(LAST, fromSeq + rows_max - 1), LAST);
    let dense = 0;
    for (const { key: bytes, value } of this.#table.range(start, end, LAST)) {
      const parts = partsOf(bytes);
      parts.text();
      const first = parts.sortable();
      while (rows[dense] !== undefined) dense++;
      // Runs come by their first row: nothing from here on can fill the hole.
      if (first > fromSeq + dense) break;
      decodeRun(user, first, value, take);
    }
    while (rows[dense] !== undefined) dense++;
    return rows.slice(0, dense) as InboxRow[];
  }

  readMemberships(user: string): MembershipRow[] {
    const found = new Map<string, MembershipRow>();
    for (const { key: bytes, value } of this.#table.withPrefix(stableKey(TABLES.membership, user))) {
      const parts = partsOf(bytes);
      parts.text();
      const conversationId = parts.text();
      found.set(conversationId, decodeMembership(user, conversationId, value));
    }
    this.#memberships.forEachOf(user, (row, conversationId) => found.set(conversationId, row));
    return [...found.values()];
  }

  leave(): void {
    this.#rows.leave();
    this.#heads.leave();
    this.#memberships.leave();
  }

  arrived(): void {
    this.#rows.arrived();
    this.#heads.arrived();
    this.#memberships.arrived();
  }

  /** Rows and memberships, which go before the heads (R6). */
  *rowSteps(): Generator<number> {
    let user = '';
    let puts = 0;
    const put = ({ first, lastPosition, bytes }: Run) => {
      this.#table.put(key(TABLES.inbox, user, first, lastPosition), bytes);
      puts++;
    };
    for (const [owner, rows] of this.#rows.leaving) {
      user = owner;
      puts = 0;
      forEachRun(rows, put);
      yield puts;
    }
    for (const [owner, rows] of this.#memberships.leaving) {
      for (const row of rows.values()) {
        this.#table.put(key(TABLES.membership, owner, row.conversationId), encodeMembership(row));
        yield 1;
      }
    }
  }

  *headSteps(): Generator<number> {
    for (const [user, row] of this.#heads.leaving) {
      this.#table.put(key(TABLES.head, user), encodeHead(row));
      yield 1;
    }
  }
}
