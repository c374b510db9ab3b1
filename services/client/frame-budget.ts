// Keeps a client under the frames per second that the server allows: one over it costs the connection (4020), and a full
// outbox would be over it on every reconnect.
//
// A bucket of one second's frames, refilled at nine tenths of the rate. The server's bucket is twice as large, so frames
// that were held up on the way and arrive together still fit.
import type { Runtime } from '../kernel/runtime.ts';

const REFILL_SHARE = 0.9;

export class FrameBudget {
  readonly #runtime: Runtime;
  readonly #frames_max: number;
  readonly #perMillisecond: number;
  #frames: number;
  #filledAt_ms: number;

  constructor(runtime: Runtime, frames_per_second: number) {
    this.#runtime = runtime;
    this.#frames_max = Math.max(1, frames_per_second);
    this.#perMillisecond = (this.#frames_max * REFILL_SHARE) / 1000;
    this.#frames = this.#frames_max;
    this.#filledAt_ms = runtime.monotonic();
  }

  /** Takes one frame and returns 0, or takes none and returns how long to wait for it. */
  take(): number {
    this.#fill();
    // The small allowance keeps a timer that fires a rounding error early from being sent round again.
    if (this.#frames < 1 - 1e-6) return Math.ceil((1 - this.#frames) / this.#perMillisecond);
    this.#frames--;
    return 0;
  }

  /** Takes one whether it is there or not: for frames that cannot wait. */
  spend(): void {
    this.#fill();
    this.#frames--;
  }

  /** Takes one and returns how long to wait before it goes out: for who comes back once, and not behind all others. */
  reserve(): number {
    this.spend();
    return this.#frames > -1e-6 ? 0 : Math.ceil(-this.#frames / this.#perMillisecond);
  }

  #fill(): void {
    const now_ms = this.#runtime.monotonic();
    this.#frames = Math.min(this.#frames_max, this.#frames + (now_ms - this.#filledAt_ms) * this.#perMillisecond);
    this.#filledAt_ms = now_ms;
  }
}
