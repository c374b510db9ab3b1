// Time, timers and chance, as arguments. Nothing under services/ reads the wall clock, sets a timer or draws a random
// number but through this interface, so that the simulation can decide all three (a test reads the sources for it).

/** A pending timer; `cancel` after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Runtime {
  /** Milliseconds since 1970 by this process's clock, which may be wrong. */
  now(): number;
  /** Milliseconds that only grow, from an arbitrary start. For durations. */
  monotonic(): number;
  /** Calls `callback` once, not before `delay_ms` have passed. Never called synchronously. */
  setTimer(delay_ms: number, callback: () => void): Timer;
  /** Uniform in [0, 1). */
  random(): number;
  /** `size` unpredictable bytes (for ids that others must not guess). */
  randomBytes(size: number): Uint8Array;
}

/** Resolves after `delay_ms`, or at once when `signal` aborts (it never rejects: the caller looks at the signal). */
export function sleep(runtime: Runtime, delay_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = runtime.setTimer(delay_ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
