// The puts of a transaction. lmdb gives those of one turn up to three different promises: each of them rejects when the
// commit fails, and one that nobody handles ends the process.
import { handled } from './open-environment.ts';

export class Commits {
  #promises: Promise<boolean>[] = [];
  #last: Promise<boolean> | null = null;

  /** Takes what a put or a remove returned. */
  add(put: Promise<boolean>): void {
    if (put === this.#last) return;
    this.#last = put;
    this.#promises.push(put);
    put.catch(handled);
  }

  /** Resolves when all that was added since the last call is durable. Rejects, when all is settled, if some is not. */
  async settled(): Promise<void> {
    const promises = this.#promises;
    this.#promises = [];
    this.#last = null;
    for (const outcome of await Promise.allSettled(promises)) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  }
}
