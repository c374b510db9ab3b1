// Keeps a rebuild to a number of rows a second, so that the system beside it has the rest.
import { type Runtime, sleep } from '../kernel/runtime.ts';

/** After a pause nothing is made up for by more than this. */
const BURST_MS = 1_000;

export class RowBudget {
  readonly #runtime: Runtime;
  readonly #rowsPerSecond: number;
  #dueAt_ms: number;

  /** `rowsPerSecond`: Infinity for as fast as it goes. */
  constructor(runtime: Runtime, rowsPerSecond: number) {
    this.#runtime = runtime;
    this.#rowsPerSecond = rowsPerSecond;
    this.#dueAt_ms = runtime.monotonic();
  }

  /** Resolves when these rows may be written. */
  async spend(rows: number, signal: AbortSignal): Promise<void> {
    const now_ms = this.#runtime.monotonic();
    this.#dueAt_ms = Math.max(this.#dueAt_ms, now_ms - BURST_MS) + (rows / this.#rowsPerSecond) * 1_000;
    if (this.#dueAt_ms > now_ms) await sleep(this.#runtime, this.#dueAt_ms - now_ms, signal);
  }
}
