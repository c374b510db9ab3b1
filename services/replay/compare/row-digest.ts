// The digest of a user's or a conversation's rows: SHA-256 over one line a row, so that two runs, or two machines, can be
// compared without their rows.
import { createHash, type Hash } from 'node:crypto';

export interface Digests {
  readonly live: RowDigest;
  readonly rebuilt: RowDigest;
}

export class RowDigest {
  readonly #hash: Hash = createHash('sha256');
  rows = 0;

  /** Fields in a fixed order; bytes as they are. */
  add(...fields: readonly (string | number | null | Uint8Array)[]): void {
    this.rows++;
    for (const field of fields) {
      this.#hash.update(field instanceof Uint8Array ? field : JSON.stringify(field));
      this.#hash.update('\t');
    }
    this.#hash.update('\n');
  }

  /** The first 16 bytes, in hex. Ends the digest. */
  end(): string {
    return this.#hash.digest('hex').slice(0, 32);
  }
}
