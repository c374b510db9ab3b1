// Lets the event loop turn in the middle of long work. Promises that are settled already do not: a stage that catches up
// from memory would keep sockets and timers waiting for as long as it takes.
import { type Runtime, sleep } from './runtime.ts';

export class Breather {
  readonly #runtime: Runtime;
  readonly #every_ms: number;
  #restedAt: number;

  constructor(runtime: Runtime, every_ms: number) {
    this.#runtime = runtime;
    this.#every_ms = every_ms;
    this.#restedAt = runtime.monotonic();
  }

  /** The event loop has just turned. */
  rested(): void {
    this.#restedAt = this.#runtime.monotonic();
  }

  /** Resolves at once, or after a turn of the event loop if the last one is too long ago. */
  async breathe(): Promise<void> {
    if (this.#runtime.monotonic() - this.#restedAt < this.#every_ms) return;
    await sleep(this.#runtime, 0);
    this.rested();
  }
}
