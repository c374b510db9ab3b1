// When what a processor writes behind is due. One timer a flush, not one a read: there are hundreds of reads between two
// flushes, and setting and cancelling a timer would be a good part of what one costs.
import type { Runtime, Timer } from '../../kernel/runtime.ts';

export class FlushSchedule {
  readonly #runtime: Runtime;
  readonly #interval_ms: number;
  #timer: Timer | null = null;
  #due = false;
  #wake: () => void = () => {};

  constructor(runtime: Runtime, interval_ms: number) {
    this.#runtime = runtime;
    this.#interval_ms = interval_ms;
  }

  get due(): boolean {
    return this.#due;
  }

  /** Something is to be flushed: within the interval, if it is not scheduled already. */
  schedule(): void {
    this.#timer ??= this.#runtime.setTimer(this.#interval_ms, () => {
      this.#due = true;
      this.#wake();
    });
  }

  /** It was flushed, or never will be. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#due = false;
  }

  /** Resolves when `reading` has settled; until then calls `flush` whenever it is due. */
  async whileWaiting(reading: Promise<unknown>, flush: () => Promise<void>): Promise<void> {
    let settled = false;
    const settle = () => {
      settled = true;
      this.#wake();
    };
    reading.then(settle, settle);
    while (!settled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (this.#due) resolve();
      });
      if (!settled && this.#due) await flush();
    }
  }
}
