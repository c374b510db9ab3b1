// A set that is not there any more, for the comparison: everything that is derived is missing from it.
import type { StateStore } from '../ports/store/state-store.ts';
import { TableSetStore } from '../ports/store/table-set-store.ts';

export class NoTables extends TableSetStore {
  constructor(base: StateStore) {
    super(base, base, async () => {});
  }

  override async loadConversation() {
    return null;
  }

  override async readTimeline() {
    return [];
  }

  override async loadHeads(users: readonly string[]) {
    return users.map(() => null);
  }

  override async readInbox() {
    return [];
  }

  override async readEvents(pointers: readonly unknown[]) {
    return pointers.map(() => null);
  }

  override async readMemberships() {
    return [];
  }

  override async readReader() {
    return null;
  }

  override async loadCheckpoint() {
    return null;
  }

  override async readPast() {
    return [];
  }

  override async *scanHeads() {}

  override async *scanConversations() {}
}
