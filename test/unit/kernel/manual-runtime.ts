// A runtime whose time only a test moves.
import type { Runtime } from '../../../services/kernel/runtime.ts';

interface Pending {
  readonly at: number;
  readonly callback: () => void;
}

export class ManualRuntime implements Runtime {
  #now: number;
  readonly #timers = new Set<Pending>();
  #bytes = 0;

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(delay_ms: number, callback: () => void) {
    const timer = { at: this.#now + delay_ms, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  random(): number {
    return 0.5;
  }

  randomBytes(size: number): Uint8Array {
    return new Uint8Array(size).map(() => this.#bytes++ & 0xff);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass, and runs what becomes due, in order; promise callbacks run in between. */
  async advance(by_ms: number): Promise<void> {
    const end = this.#now + by_ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}

/** Runs every promise callback that can run. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
