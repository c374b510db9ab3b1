// How many requests may be on the wire. The driver refuses the 2,049th on a connection with BusyConnectionError instead
// of letting it wait; here it waits, first come first served, in a queue with an end.
import { StoreError } from '../state-store.ts';

export class InFlightGate {
  readonly #inFlight_max: number;
  readonly #waiting_max: number;
  #inFlight = 0;
  #queue: (() => void)[] = [];
  #front = 0;

  constructor(inFlight_max: number, waiting_max: number) {
    this.#inFlight_max = inFlight_max;
    this.#waiting_max = waiting_max;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#queue.length - this.#front;
  }

  /** Resolves when it is this request's turn; null at once if it is now. @throws StoreError when too many wait */
  enter(): Promise<void> | null {
    if (this.#inFlight < this.#inFlight_max) {
      this.#inFlight++;
      return null;
    }
    if (this.waiting >= this.#waiting_max) throw new StoreError(`${this.waiting} requests wait for the store already`);
    return new Promise((resolve) => this.#queue.push(resolve));
  }

  leave(): void {
    if (this.waiting === 0) {
      this.#inFlight--;
      return;
    }
    const next = this.#queue[this.#front++]!;
    if (this.#front > 1_024 && this.#front * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#front);
      this.#front = 0;
    }
    next();
  }
}

/**
 * Runs `work` for each item, `lanes` at a time. After a failure nothing new is begun, and what was begun has ended when
 * it rejects: a caller that repeats at once does not pile up.
 */
export async function forEachBounded<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  let failed = false;
  let failure: unknown;
  const lane = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  if (failed) throw failure;
}
