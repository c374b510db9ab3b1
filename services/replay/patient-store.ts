// A store whose answers are waited for: a rebuild of hours does not end for one that came late. Scans are not repeated; what
// reads them begins anew.
import type { StateStore } from '../ports/store/state-store.ts';
import { TableSetStore } from '../ports/store/table-set-store.ts';
import type { Retry } from './patience.ts';

export class PatientStore extends TableSetStore {
  readonly #retry: Retry;

  /** `store` is closed with it. */
  constructor(store: StateStore, retry: Retry) {
    super(store, store, () => store.close());
    this.#retry = retry;
  }

  override loadConversation(conversationId: string) {
    return this.#retry(() => super.loadConversation(conversationId));
  }

  override readTimeline(...given: Parameters<StateStore['readTimeline']>) {
    return this.#retry(() => super.readTimeline(...given));
  }

  override loadHeads(users: readonly string[]) {
    return this.#retry(() => super.loadHeads(users));
  }

  override readInbox(user: string, fromSeq: number, rows_max: number) {
    return this.#retry(() => super.readInbox(user, fromSeq, rows_max));
  }

  override readMemberships(user: string) {
    return this.#retry(() => super.readMemberships(user));
  }

  override readPast(conversationId: string) {
    return this.#retry(() => super.readPast(conversationId));
  }

  override loadCheckpoint(...given: Parameters<StateStore['loadCheckpoint']>) {
    return this.#retry(() => super.loadCheckpoint(...given));
  }

  override saveCheckpoint(...given: Parameters<StateStore['saveCheckpoint']>) {
    return this.#retry(() => super.saveCheckpoint(...given));
  }
}
