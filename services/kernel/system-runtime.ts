// The real clock, timers and randomness of a Node process.
import { randomBytes } from 'node:crypto';
import type { Runtime } from './runtime.ts';

export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delay_ms, callback) {
    const handle = setTimeout(callback, delay_ms);
    return { cancel: () => clearTimeout(handle) };
  },
  random: () => Math.random(),
  randomBytes: (size) => randomBytes(size),
};
