// Time that passes only when a test says so.
import type { Runtime } from '../../../services/kernel/runtime.ts';

interface FakeTimer {
  readonly due_ms: number;
  readonly order: number;
  readonly callback: () => void;
}

export class FakeRuntime implements Runtime {
  /** The wall clock stands this far from the server's, to show that it does not matter. */
  readonly wallClockStart_ms: number;
  chance = 0.5;
  #elapsed_ms = 0;
  #order = 0;
  #timers: FakeTimer[] = [];
  #bytes = 0;

  constructor(wallClockStart_ms = 1_000_000) {
    this.wallClockStart_ms = wallClockStart_ms;
  }

  get timersPending(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.wallClockStart_ms + this.#elapsed_ms;
  }

  monotonic(): number {
    return this.#elapsed_ms;
  }

  setTimer(delay_ms: number, callback: () => void) {
    const timer = { due_ms: this.#elapsed_ms + delay_ms, order: this.#order++, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  random(): number {
    return this.chance;
  }

  randomBytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.#bytes++ & 0xff);
  }

  /** Fires everything that comes due within `duration_ms`, in order, with the promises in between. */
  async pass(duration_ms: number): Promise<void> {
    const until_ms = this.#elapsed_ms + duration_ms;
    await settle();
    for (let timer = this.#next(until_ms); timer !== undefined; timer = this.#next(until_ms)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#elapsed_ms = Math.max(this.#elapsed_ms, timer.due_ms);
      timer.callback();
      await settle();
    }
    this.#elapsed_ms = until_ms;
  }

  #next(until_ms: number): FakeTimer | undefined {
    const due = this.#timers.filter((timer) => timer.due_ms <= until_ms);
    return due.sort((a, b) => a.due_ms - b.due_ms || a.order - b.order)[0];
  }
}

/** Lets every promise that can go on go on. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
