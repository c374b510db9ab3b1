// Deliveries on their way. A commit waits for those it covers, but not for ever: they are hints.
import { type Runtime, sleep } from '../../kernel/runtime.ts';

export class PendingHints {
  readonly #runtime: Runtime;
  readonly #pending = new Set<Promise<void>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** `work` handles its own failures. */
  track(work: Promise<void>): void {
    this.#pending.add(work);
    work.then(() => this.#pending.delete(work));
  }

  /** Resolves when all that were tracked have ended, or after `wait_ms_max`. */
  async settled(wait_ms_max: number, signal: AbortSignal): Promise<void> {
    if (this.#pending.size === 0) return;
    const ended = new AbortController();
    const stop = () => ended.abort();
    signal.addEventListener('abort', stop, { once: true });
    await Promise.race([Promise.all(this.#pending), sleep(this.#runtime, wait_ms_max, ended.signal)]);
    ended.abort();
    signal.removeEventListener('abort', stop);
  }
}
