// When pending rows go to lmdb: some time after the first one, or when there are many; one generation at a time, in
// slices, so that the event loop does not wait long. A slice begins when the one before it is durable: should one fail,
// nothing that comes after it is on disk.
import { type Runtime, sleep, type Timer } from '../../../kernel/runtime.ts';
import { StoreError } from '../state-store.ts';

/**
 * Rows gather this long: so much is recomputed from the log after a crash, and runs get that much longer. Whatever is
 * sent while they are flushed waits for the same disk: at 200 messages/s twice a second was the slowest percent of them
 * (receive p99 11 ms; 5 to 9 ms at this).
 */
const GATHER_MS = 2_000;
/** ... or until there are so many: some 10 MB of memory. */
const GATHER_ROWS_MAX = 50_000;
/** With so many waiting, writers wait for the disk too. */
const PENDING_ROWS_MAX = 200_000;
/** Puts of one transaction: a millisecond or two of the event loop. */
const SLICE_PUTS_MAX = 1_024;
const RETRY_MS = 1_000;

/** Steps that write one generation: each call does some puts and tells how many; `arrived` when all are committed. */
export interface Generation {
  readonly steps: Iterator<number>;
  /** The promise of the transaction that the last step's puts are in. */
  committed(): Promise<unknown>;
  arrived(): void;
}

const DONE = Promise.resolve();

export class WriteBehind {
  readonly #runtime: Runtime;
  readonly #leave: () => Generation;
  /** Makes the steps of a generation anew, after a failure. */
  readonly #again: () => Generation;
  #pending_rows = 0;
  /** Rows of the generation that left and has not arrived; 0 while there is none. */
  #leaving_rows = 0;
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;
  #failure: unknown = null;
  /** Who waits for the writing to end or to fail. */
  readonly #waiting: (() => void)[] = [];
  readonly #closing = new AbortController();

  constructor(runtime: Runtime, leave: () => Generation, again: () => Generation) {
    this.#runtime = runtime;
    this.#leave = leave;
    this.#again = again;
  }

  /** `rows` more are pending. Resolves at once, unless the disk is far behind. @throws StoreError */
  added(rows: number): Promise<void> {
    if (rows === 0) return DONE;
    this.#pending_rows += rows;
    if (this.#pending_rows >= GATHER_ROWS_MAX) this.#start();
    else if (this.#timer === null && this.#writing === null) {
      this.#timer = this.#runtime.setTimer(GATHER_MS, () => this.#start());
    }
    if (this.#pending_rows < PENDING_ROWS_MAX) return DONE;
    return this.#room();
  }

  /** Resolves when all that is pending now is durable; rejects at the first failure, and the retries go on. @throws StoreError */
  async flush(): Promise<void> {
    await this.#written();
    this.#throwFailure();
    this.#start();
    await this.#written();
    this.#throwFailure();
  }

  /** Tries once more, and gives up: then what failed, and all that came after it, is not on disk. @throws StoreError */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    this.#start();
    await this.#writing;
    this.#throwFailure();
  }

  async #room(): Promise<void> {
    while (this.#pending_rows >= PENDING_ROWS_MAX && this.#failure === null) {
      this.#start();
      await this.#written();
    }
    this.#throwFailure();
  }

  /** Resolves when what is being written is durable, or at the first failure. */
  #written(): Promise<void> {
    if (this.#writing === null || this.#failure !== null) return DONE;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #attempted(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #throwFailure(): void {
    if (this.#failure === null) return;
    const reason = this.#failure instanceof Error ? this.#failure.message : String(this.#failure);
    throw new StoreError(`rows cannot be written to disk: ${reason}`, { cause: this.#failure });
  }

  #start(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#writing !== null || this.#leaving_rows + this.#pending_rows === 0) return;
    this.#writing = this.#write();
  }

  async #write(): Promise<void> {
    // Whoever is in the middle of a call goes first: a generation holds whole calls.
    await null;
    while (this.#leaving_rows + this.#pending_rows > 0) {
      let generation = this.#next();
      while (!(await this.#writeGeneration(generation))) {
        this.#attempted();
        if (this.#closing.signal.aborted) {
          this.#writing = null;
          return;
        }
        await sleep(this.#runtime, RETRY_MS, this.#closing.signal);
        generation = this.#next();
      }
      this.#failure = null;
      this.#leaving_rows = 0;
      if (this.#pending_rows < GATHER_ROWS_MAX && !this.#closing.signal.aborted) break;
    }
    this.#writing = null;
    this.#attempted();
    if (this.#pending_rows > 0) this.#timer = this.#runtime.setTimer(GATHER_MS, () => this.#start());
  }

  /** The generation that did not arrive, if there is one: what came after it must not be on disk without it. */
  #next(): Generation {
    if (this.#leaving_rows > 0) return this.#again();
    this.#leaving_rows = this.#pending_rows;
    this.#pending_rows = 0;
    return this.#leave();
  }

  async #writeGeneration(generation: Generation): Promise<boolean> {
    try {
      for (let done = false; !done; ) {
        let puts = 0;
        while (puts < SLICE_PUTS_MAX) {
          const step = generation.steps.next();
          if (step.done) {
            done = true;
            break;
          }
          puts += step.value;
        }
        await generation.committed();
      }
      generation.arrived();
      return true;
    } catch (error) {
      this.#failure = error;
      return false;
    }
  }
}
