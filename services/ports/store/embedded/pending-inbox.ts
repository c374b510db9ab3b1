// Inbox rows that are not in lmdb yet, by user, in the order they came. Two generations, as in pending-rows.ts.
import type { InboxRow } from '../state-store.ts';

export class PendingInbox {
  #fresh = new Map<string, InboxRow[]>();
  #leaving: ReadonlyMap<string, readonly InboxRow[]> = new Map();

  add(row: InboxRow): void {
    const rows = this.#fresh.get(row.user);
    if (rows === undefined) this.#fresh.set(row.user, [row]);
    else rows.push(row);
  }

  forEachOf(user: string, take: (row: InboxRow) => void): void {
    this.#leaving.get(user)?.forEach(take);
    this.#fresh.get(user)?.forEach(take);
  }

  leave(): void {
    this.#leaving = this.#fresh;
    this.#fresh = new Map();
  }

  get leaving(): ReadonlyMap<string, readonly InboxRow[]> {
    return this.#leaving;
  }

  arrived(): void {
    this.#leaving = new Map();
  }
}
