// Keeps a client under the frames per second that the server allows: one over it costs the connection (4020), and a full
// outbox would be over it on every reconnect.
//
// A bucket of one second's frames, refilled at nine tenths of the rate. The server's bucket is twice as large, so frames
// that were held up on the way and arrive together still fit.
import type { Runtime } from '../kernel/runtime.ts';

const REFILL_SHARE = 0.9;

export type FrameTaker = 'pull' | 'send' | 'history';

export class FrameBudget {
  readonly #runtime: Runtime;
  readonly #frames_max: number;
  readonly #perMillisecond: number;
  #frames: number;
  #filledAt_ms: number;
  readonly #waiting: FrameTaker[] = [];

  constructor(runtime: Runtime, frames_per_second: number) {
    this.#runtime = runtime;
    this.#frames_max = Math.max(1, frames_per_second);
    this.#perMillisecond = (this.#frames_max * REFILL_SHARE) / 1000;
    this.#frames = this.#frames_max;
    this.#filledAt_ms = runtime.monotonic();
  }

  /**
   * Takes one frame and returns 0, or takes none and returns how long to wait before asking again. Who waits has a place
   * in a queue, so that neither a great outbox nor a long history keeps the others waiting. One who does not come back
   * holds back one frame, no more.
   */
  take(taker: FrameTaker): number {
    this.#fill();
    let place = this.#waiting.indexOf(taker);
    if (place < 0) place = this.#waiting.push(taker) - 1;
    const needed = Math.min(place + 1, this.#frames_max);
    // The small allowance keeps a timer that fires a rounding error early from being sent round again.
    if (this.#frames < needed - 1e-6) return Math.ceil((needed - this.#frames) / this.#perMillisecond);
    this.#waiting.splice(place, 1);
    this.#frames--;
    return 0;
  }

  /** Takes one whether it is there or not: for frames that cannot wait. */
  spend(): void {
    this.#fill();
    this.#frames--;
  }

  #fill(): void {
    const now_ms = this.#runtime.monotonic();
    this.#frames = Math.min(this.#frames_max, this.#frames + (now_ms - this.#filledAt_ms) * this.#perMillisecond);
    this.#filledAt_ms = now_ms;
  }
}
