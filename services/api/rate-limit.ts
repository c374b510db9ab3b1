// Slows down who guesses passwords or makes accounts by the thousand: a bucket of tokens per key, in memory.
import type { Runtime } from '../kernel/runtime.ts';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A shared address (an office, a phone network) signs in at once in the morning; a guesser gets 2 a second. */
export const PER_ADDRESS: Rate = { burst: 60, perSecond: 2 };
/**
 * Attempts at one user's password since the last right one, from wherever: who forgot it has found it or not after 10, a
 * guesser gets 17,000 a day. A full bucket takes 50 s, so whoever is forgotten below gained nothing.
 */
export const PER_USER: Rate = { burst: 10, perSecond: 1 / 5 };

/** Keys remembered: 10,000 of 200 bytes are 2 MB. The one not seen for longest is forgotten first. */
const KEYS_MAX = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

export class RateLimit {
  readonly #runtime: Runtime;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(runtime: Runtime, rate: Rate) {
    this.#runtime = runtime;
    this.#rate = rate;
  }

  /** Whether `key` may do it once more now. */
  take(key: string): boolean {
    const { burst, perSecond } = this.#rate;
    const now = this.#runtime.monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    this.#buckets.delete(key); // to the end of the order
    const allowed = tokens >= 1;
    this.#buckets.set(key, { tokens: allowed ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > KEYS_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    return allowed;
  }

  /** What `key` took is given back: it was no guess. */
  forgive(key: string): void {
    this.#buckets.delete(key);
  }
}
