// p50, p99 and the longest of a few durations, by nearest rank: of ten faults, p99 is the longest.

export interface Quantiles {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

/** null: there are none. Infinity stands for what never came, `null` in `durations_ms`. */
export function quantilesOf(durations_ms: readonly (number | null)[]): Quantiles | null {
  const sorted = durations_ms.map((duration) => duration ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: sorted.at(-1)! };
}
