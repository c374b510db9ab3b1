// The record of the rebuild that is under way: its progress, and whose it is. It is written every few seconds as long as the
// run lives, whatever that does; a run that finds another's name in it ends.
import { retryInPlace } from '../kernel/retry.ts';
import { type Runtime, sleep, type Timer } from '../kernel/runtime.ts';
import { type StateStore, StoreError } from '../ports/store/state-store.ts';
import {
  beginningRebuild,
  encodeRebuildState,
  lastTablesOf,
  noRebuild,
  ownedBy,
  ownerOf,
  type RebuildState,
} from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';

/** Whoever looks for a run that lives waits longer (table-choice.ts). */
const ALIVE_MS = 3_000;
/** Between two runs' reading and writing of the record. */
const SETTLED_MS = 500;

const NOBODY = { owner: '', at: 0 };

export class RebuildRecord {
  readonly #base: Pick<StateStore, 'loadRebuild' | 'saveRebuild'>;
  readonly #runtime: Runtime;
  readonly #owner: string;
  readonly #signal: AbortSignal;
  #state: RebuildState | null = null;
  #saved = '';
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isLost = false;

  constructor(
    base: Pick<StateStore, 'loadRebuild' | 'saveRebuild'>,
    runtime: Runtime,
    owner: string,
    signal: AbortSignal,
  ) {
    this.#base = base;
    this.#runtime = runtime;
    this.#owner = owner;
    this.#signal = signal;
  }

  /**
   * Ours, and kept alive, as it was found, which it resolves with. Of two runs that found nobody's, one is the second to
   * write: a moment later both know which. @throws ReplayError when that was not us, StoreError
   */
  async claim(): Promise<string | null> {
    const found = await this.#retry(() => this.#base.loadRebuild());
    const us = { owner: this.#owner, at: this.#now() };
    await this.#put(ownerOf(found) === null ? beginningRebuild(lastTablesOf(found), us) : ownedBy(found!, us));
    await sleep(this.#runtime, SETTLED_MS, this.#signal);
    this.#signal.throwIfAborted();
    await this.check();
    this.#arm();
    return found;
  }

  /** What was kept is kept no more; `tables`: the number of the last set. @throws ReplayError, StoreError */
  async begin(tables: number): Promise<void> {
    await this.check();
    await this.#put(beginningRebuild(tables, { owner: this.#owner, at: this.#now() }));
  }

  /** What is kept from now on. @throws ReplayError, StoreError */
  async take(state: RebuildState): Promise<void> {
    state.owner = this.#owner;
    this.#state = state;
    if (this.#saved !== '') await this.check();
    await this.#write();
    this.#arm();
  }

  /** Another run has written its name: found out within seconds, also while nothing of ours gets through. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** As it stands now. @throws ReplayError when another run has taken over */
  async save(): Promise<void> {
    await this.check();
    await this.#write();
  }

  /** @throws ReplayError when another run has taken over */
  async check(): Promise<void> {
    const text = await this.#retry(() => this.#base.loadRebuild());
    this.#isLost ||= ownerOf(text)?.owner !== this.#owner;
    if (this.#isLost) throw takenOver();
  }

  /** There is none any more; `tables`: the number that is not to be used again. @throws ReplayError when it is another's */
  async remove(tables: number): Promise<void> {
    this.close();
    await this.#saving;
    await this.check();
    await this.#base.saveRebuild(noRebuild(tables));
    this.#saved = '';
  }

  /** The progress stays, and nobody is at it any more: whoever comes next need not wait. @throws StoreError */
  async release(): Promise<void> {
    this.close();
    await this.#saving;
    if (this.#saved === '' || this.#isLost) return;
    await this.check();
    await this.#base.saveRebuild(ownedBy(this.#saved, NOBODY));
  }

  /** The progress stays, nobody keeps it alive. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** One at a time, so that the last one wins. */
  #write(): Promise<void> {
    const state = this.#state!;
    state.at = this.#now();
    return this.#put(encodeRebuildState(state));
  }

  #put(text: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#retry(() => this.#base.saveRebuild(text));
      this.#saved = text;
    });
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#runtime.setTimer(ALIVE_MS, () => {
      // A failure is met by the next `save`.
      const refreshed = this.#inTurn(() => this.#refresh()).catch(() => {});
      void refreshed.then(() => (this.#isClosed ? undefined : this.#arm()));
    });
  }

  /** Only the time of what was saved last: what has come since may not be durable yet. */
  async #refresh(): Promise<void> {
    if (this.#isClosed) return;
    this.#isLost ||= ownerOf(await this.#base.loadRebuild())?.owner !== this.#owner;
    if (this.#isLost) return;
    await this.#base.saveRebuild(ownedBy(this.#saved, { owner: this.#owner, at: this.#now() }));
  }

  #now(): number {
    return Math.floor(this.#runtime.now());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#saving.then(work);
    this.#saving = done.catch(() => {});
    return done;
  }

  #retry<T>(attemptOnce: () => Promise<T>): Promise<T> {
    const options = { runtime: this.#runtime, signal: this.#signal, onRetry: () => {} };
    return retryInPlace({ ...options, isRetryable: (error) => error instanceof StoreError }, attemptOnce);
  }
}

export function takenOver(): ReplayError {
  return new ReplayError('Another replay has taken over these tables. Wait for it, or end it, and start again.');
}
