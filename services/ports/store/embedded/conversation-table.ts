// Conversations: a static row and a row per member, present or past, all of one conversation in one transaction.
//
// Every flush writes the static row, so its `asOf` is the highest position of the whole conversation: a flush at or
// above it may overwrite any member row unseen, only one below it (a late writer) compares row by row. A removed
// member's row stays, with its position: otherwise a late writer would bring the member back.
import { compareIds } from '../../../events/ids.ts';
import type { ConversationFlush, ConversationRow, MemberRow, PastMemberRow, ReaderView } from '../state-store.ts';
import { key, partsOf, stableKey, TABLES } from './keys.ts';
import { PendingCells, PendingRows } from './pending-rows.ts';
import type { RowTable } from './row-table.ts';
import {
  decodeMember,
  decodePast,
  decodeStatic,
  encodeMember,
  encodePast,
  encodeStatic,
  type StampedMember,
  type StaticRow,
} from './rows.ts';

export class ConversationTable {
  readonly #table: RowTable;
  readonly #statics = new PendingCells<StaticRow>();
  readonly #members = new PendingRows<string, StampedMember>();
  readonly #past = new PendingRows<string, PastMemberRow>();

  constructor(table: RowTable) {
    this.#table = table;
  }

  /** How many rows it wrote. */
  flush({ row, members }: ConversationFlush): number {
    const { conversationId, asOf } = row;
    const newest = (this.#static(conversationId)?.asOf ?? asOf) <= asOf;
    if (newest) this.#statics.set(conversationId, row);
    for (const [user, member] of members) {
      if (!newest && (this.#member(conversationId, user)?.position ?? asOf) > asOf) continue;
      this.#members.set(conversationId, user, { position: asOf, member });
    }
    return 1 + members.size;
  }

  writePast(row: PastMemberRow): void {
    const { conversationId, user, joinedSeq, position } = row;
    const pendingKey = pastKey(user, joinedSeq);
    let stored = this.#past.get(conversationId, pendingKey);
    if (stored === undefined) {
      const bytes = this.#table.get(key(TABLES.pastMember, conversationId, user, joinedSeq));
      if (bytes !== undefined) stored = decodePast(conversationId, user, joinedSeq, bytes);
    }
    if (stored === undefined || stored.position <= position) this.#past.set(conversationId, pendingKey, row);
  }

  load(conversationId: string): ConversationRow | null {
    const row = this.#static(conversationId);
    if (row === undefined) return null;
    const members = new Map<string, MemberRow | null>();
    for (const { key: bytes, value } of this.#table.withPrefix(stableKey(TABLES.member, conversationId))) {
      const parts = partsOf(bytes);
      parts.text();
      const user = parts.text();
      members.set(user, decodeMember(user, value).member);
    }
    this.#members.forEachOf(conversationId, ({ member }, user) => members.set(user, member));
    const present = [...members.values()].filter((member) => member !== null);
    return { ...row, members: present.sort((a, b) => compareIds(a.user, b.user)) };
  }

  /** Pending ones are asked for first, as in InboxTable. */
  async *scan(): AsyncGenerator<readonly string[]> {
    const pending = this.#statics.keys();
    for await (const page of this.#table.pages(TABLES.conversation))
      yield page.map(({ key: bytes }) => {
        const conversationId = partsOf(bytes).text();
        pending.delete(conversationId);
        return conversationId;
      });
    if (pending.size > 0) yield [...pending];
  }

  readReader(conversationId: string, user: string): ReaderView | null {
    const row = this.#static(conversationId);
    if (row === undefined) return null;
    const past = this.readPast(conversationId, user);
    return {
      row,
      member: this.#member(conversationId, user)?.member ?? null,
      past: past.sort((a, b) => a.joinedSeq - b.joinedSeq),
    };
  }

  /** Stored and pending, in no order; of one user if one is given. */
  readPast(conversationId: string, only?: string): PastMemberRow[] {
    const past = new Map<string, PastMemberRow>();
    for (const { key: bytes, value } of this.#table.withPrefix(stableKey(TABLES.pastMember, conversationId, only))) {
      const parts = partsOf(bytes);
      parts.text();
      const user = parts.text();
      const joinedSeq = parts.sortable();
      past.set(pastKey(user, joinedSeq), decodePast(conversationId, user, joinedSeq, value));
    }
    this.#past.forEachOf(conversationId, (row, pendingKey) => {
      if (only === undefined || row.user === only) past.set(pendingKey, row);
    });
    return [...past.values()];
  }

  leave(): void {
    this.#statics.leave();
    this.#members.leave();
    this.#past.leave();
  }

  arrived(): void {
    this.#statics.arrived();
    this.#members.arrived();
    this.#past.arrived();
  }

  /** Intervals that ended go before the conversation that no longer has the member. */
  *pastSteps(): Generator<number> {
    for (const [conversationId, rows] of this.#past.leaving) {
      for (const row of rows.values()) {
        this.#table.put(key(TABLES.pastMember, conversationId, row.user, row.joinedSeq), encodePast(row));
        yield 1;
      }
    }
  }

  /** A step a conversation: its rows must not be torn apart. */
  *conversationSteps(): Generator<number> {
    // A late writer may touch members and leave the static row as it is.
    for (const conversationId of new Set([...this.#statics.leaving.keys(), ...this.#members.leaving.keys()])) {
      const row = this.#statics.leaving.get(conversationId);
      if (row !== undefined) this.#table.put(key(TABLES.conversation, conversationId), encodeStatic(row));
      const members = this.#members.leaving.get(conversationId);
      for (const [user, member] of members ?? []) {
        this.#table.put(key(TABLES.member, conversationId, user), encodeMember(member));
      }
      yield 1 + (members?.size ?? 0);
    }
  }

  #static(conversationId: string): StaticRow | undefined {
    const pending = this.#statics.get(conversationId);
    if (pending !== undefined) return pending;
    const bytes = this.#table.get(key(TABLES.conversation, conversationId));
    return bytes === undefined ? undefined : decodeStatic(conversationId, bytes);
  }

  #member(conversationId: string, user: string): StampedMember | undefined {
    const pending = this.#members.get(conversationId, user);
    if (pending !== undefined) return pending;
    const bytes = this.#table.get(key(TABLES.member, conversationId, user));
    return bytes === undefined ? undefined : decodeMember(user, bytes);
  }
}

/** Unique within a conversation. */
function pastKey(user: string, joinedSeq: number): string {
  return `${joinedSeq}/${user}`;
}
