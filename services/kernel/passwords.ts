// Passwords: scrypt with N = 2^15, r = 8, p = 1 (80 ms and 32 MiB each) on the thread pool, so that the loop never waits.
// Stored as `scrypt$15$8$1$<salt>$<hash>`, base64url; parameters may rise later, old hashes still verify.
import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { type Refusal, refusal } from './errors.ts';
import type { Runtime } from './runtime.ts';

const LOG2_N = 15;
const R = 8;
const P = 1;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** scrypt needs 128 * N * r bytes: 32 MiB at 2^15. Twice that is the most we spend on a stored hash. */
const MEMORY_BYTES_MAX = 64 * 1024 * 1024 + 1024;
/** Half of the thread pool of four; the rest is for files and addresses. 64 MiB at once. */
const AT_ONCE_MAX = 2;
/** 32 in line at 80 ms, two at a time: 1.3 s of waiting. Whoever comes later is told to come again. */
const WAITING_MAX = 32;

const ENCODED = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,64})\$([\w-]{32,128})$/;

export class Passwords {
  readonly #runtime: Runtime;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The text to store, or `too_many_requests`. */
  async hash(password: string): Promise<string | Refusal> {
    const salt = this.#runtime.randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, salt, { N: 2 ** LOG2_N, r: R, p: P }, HASH_BYTES);
    if ('code' in hash) return hash;
    return `scrypt$${LOG2_N}$${R}$${P}$${base64url(salt)}$${base64url(hash)}`;
  }

  /**
   * Whether the password is the one that `encoded` was made of. null (no such user, or one without a password) costs
   * as much time as a wrong password, so that the answer does not tell who exists.
   */
  async verify(password: string, encoded: string | null): Promise<boolean | Refusal> {
    const stored = encoded === null ? NOBODY : parse(encoded);
    const hash = await this.#derive(password, stored.salt, stored.cost, stored.hash.length);
    if ('code' in hash) return hash;
    return timingSafeEqual(hash, stored.hash) && encoded !== null;
  }

  async #derive(password: string, salt: Uint8Array, cost: ScryptOptions, bytes: number): Promise<Buffer | Refusal> {
    if (this.#running >= AT_ONCE_MAX) {
      if (this.#waiting.length >= WAITING_MAX) return refusal('too_many_requests');
      await new Promise<void>((resolve) => this.#waiting.push(resolve)); // woken with the place already taken
    } else {
      this.#running++;
    }
    try {
      return await new Promise((resolve, reject) => {
        // The same password typed on two keyboards may be different code points.
        scrypt(password.normalize('NFKC'), salt, bytes, { ...cost, maxmem: MEMORY_BYTES_MAX }, (error, hash) => {
          if (error === null) resolve(hash);
          else reject(error);
        });
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

interface StoredHash {
  readonly cost: ScryptOptions;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const NOBODY: StoredHash = {
  cost: { N: 2 ** LOG2_N, r: R, p: P },
  salt: new Uint8Array(SALT_BYTES),
  hash: new Uint8Array(HASH_BYTES),
};

function parse(encoded: string): StoredHash {
  const match = ENCODED.exec(encoded);
  if (match === null) throw new Error('a stored password hash is not of the form scrypt$N$r$p$salt$hash');
  const [, log2N, r, p, salt, hash] = match;
  return {
    cost: { N: 2 ** Number(log2N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt!, 'base64url'),
    hash: Buffer.from(hash!, 'base64url'),
  };
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
