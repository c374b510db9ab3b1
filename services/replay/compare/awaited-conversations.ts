// Conversations that live entries point to, and that neither set has. Live, an entry's record is appended before its
// conversation's row is flushed (R4), and another stage writes the entry: so for a moment that is right. What stays so
// points to a conversation that the log never made.
import type { Runtime } from '../../kernel/runtime.ts';

/** A flush at once, or within a second, and one repetition. Less than the rounds of a comparison take together. */
const AWAITED_MS_MAX = 3_000;

export class AwaitedConversations {
  readonly #runtime: Runtime;
  /** Monotonic. */
  readonly #since = new Map<string, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether it has been waited for long enough. The first question begins the wait. */
  isOverdue(conversationId: string): boolean {
    const now = this.#runtime.monotonic();
    const since = this.#since.get(conversationId);
    if (since === undefined) this.#since.set(conversationId, now);
    return since !== undefined && now - since >= AWAITED_MS_MAX;
  }
}
