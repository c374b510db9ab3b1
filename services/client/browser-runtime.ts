// The real clock, timers and randomness of a browser.
import type { Runtime } from '../kernel/runtime.ts';

export const browserRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delay_ms, callback) {
    const handle = setTimeout(callback, delay_ms);
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
  randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
};
