// How long to wait before trying again: full jitter, so that clients that failed together do not come back together.
import type { Runtime } from '../kernel/runtime.ts';

export interface BackoffLimits {
  readonly base_ms: number;
  readonly cap_ms: number;
}

/** Uniform between 0 and min(cap, base * 2^attempt); `attempt` counts from 0. */
export function backoff_ms(runtime: Runtime, limits: BackoffLimits, attempt: number): number {
  return runtime.random() * Math.min(limits.cap_ms, limits.base_ms * 2 ** Math.min(attempt, 30));
}

/** Fisher-Yates: the order in which edges are tried. */
export function shuffled<T>(runtime: Runtime, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(runtime.random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
