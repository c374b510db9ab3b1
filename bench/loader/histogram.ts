// Durations in buckets that are 1 % wide: from 1 us to 1,000 s in 2,100 numbers, however many are counted.
const SMALLEST_MS = 0.001;
const GROWTH = 1.01;
const BUCKETS = 2_100;
const PER_LOG = 1 / Math.log(GROWTH);

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  count = 0;
  max_ms = 0;

  add(duration_ms: number): void {
    this.count++;
    if (duration_ms > this.max_ms) this.max_ms = duration_ms;
    const bucket = duration_ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(duration_ms / SMALLEST_MS) * PER_LOG);
    this.#counts[Math.min(bucket, BUCKETS - 1)]!++;
  }

  /** The upper edge of the bucket with the given share of all below it; null if there are none. */
  quantile_ms(share: number): number | null {
    if (this.count === 0) return null;
    let rest = share * this.count;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      rest -= this.#counts[bucket]!;
      if (rest <= 0) return Math.min(SMALLEST_MS * GROWTH ** bucket, this.max_ms);
    }
    return this.max_ms;
  }
}
