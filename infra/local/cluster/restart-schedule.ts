// How long a process that ended by itself waits for its next start: not at all the first time, because most faults are
// over when they are noticed; then longer and longer, so that one that cannot start costs little and is still tried.
export const RESTART_MS_MIN = 250;
export const RESTART_MS_MAX = 10_000;
/** Up for so long, it is taken for healthy: its next end is a first one again. */
export const HEALTHY_MS = 60_000;

export class RestartSchedule {
  #ends = 0;

  /** The pause before the next start, of a process that was up for `up_ms`. */
  next(up_ms: number): number {
    if (up_ms >= HEALTHY_MS) this.#ends = 0;
    const ends = this.#ends++;
    return ends === 0 ? 0 : Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** (ends - 1));
  }
}
