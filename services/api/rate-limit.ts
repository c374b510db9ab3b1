// Slows down who guesses passwords or makes accounts by the thousand: a bucket of tokens per address, in memory.
import type { Runtime } from '../kernel/runtime.ts';

/** A shared address (an office, a phone network) signs in at once in the morning; a guesser gets 2 a second. */
const BURST = 60;
const PER_SECOND = 2;
/** Addresses remembered: 10,000 of 100 bytes are 1 MB. The oldest is forgotten first. */
const ADDRESSES_MAX = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

export class RateLimit {
  readonly #runtime: Runtime;
  readonly #buckets = new Map<string, Bucket>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Whether `address` may do it once more now. */
  take(address: string): boolean {
    const now = this.#runtime.monotonic();
    const bucket = this.#buckets.get(address) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, bucket.tokens + ((now - bucket.at) / 1000) * PER_SECOND);
    this.#buckets.delete(address); // to the end of the order: the one not seen for longest is forgotten
    const allowed = tokens >= 1;
    this.#buckets.set(address, { tokens: allowed ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > ADDRESSES_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    return allowed;
  }
}
