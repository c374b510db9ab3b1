// What outlives a crash: the outbox and the cursor.
//
// What the client promises. `send` returns after `save` did, with the message in it; a message's id is saved before it
// first goes out. So a crash loses no message that `send` returned for, and the same message always has the same id.
// The cursor is saved after the listeners of the entries below it returned, in the same turn of the event loop.
//
// What an application must do that keeps entries itself: write `client.cursor` in the same transaction as the entry,
// in the listener of `entry`, and give it back as the option `cursor`. Then no entry is kept twice or missed, whenever
// the crash comes. The storage's own cursor is for applications that keep nothing.
import type { Cursor } from '../protocol/frames.ts';

export interface SavedMessage {
  readonly conversationId: string;
  readonly contentType?: string;
  readonly payload: string;
  /** Null when it was never attempted. */
  readonly clientMessageId: string | null;
}

export interface Saved {
  readonly version: 1;
  /** Whose it is; null when no connection was made yet. Another user's outbox is never sent. */
  readonly user: string | null;
  readonly cursor: Cursor | null;
  readonly outbox: readonly SavedMessage[];
}

export interface ClientStorage {
  /** Null when nothing was saved. Called once, before anything is saved. */
  load(): Promise<Saved | null>;
  /** Durable when it returns. What it throws refuses the send that caused it. */
  save(saved: Saved): void;
}

/** Outlives the client object, not the process. */
export function memoryStorage(saved: Saved | null = null): ClientStorage & { readonly saved: Saved | null } {
  return {
    get saved() {
      return saved;
    },
    load: () => Promise.resolve(saved),
    save: (next) => {
      saved = next;
    },
  };
}
