// The record of the rebuild that is under way: its progress, and whose it is. It is written every few seconds as long as the
// run lives, whatever that does; a run that finds another's name in it ends.
import { retryInPlace } from '../kernel/retry.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import { type StateStore, StoreError } from '../ports/store/state-store.ts';
import { decodeRebuildState, encodeRebuildState, noRebuild, type RebuildState } from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';

/** Whoever looks for a run that lives waits longer (table-choice.ts). */
const ALIVE_MS = 3_000;

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

  /** From now on it is ours, and kept alive. @throws ReplayError, StoreError */
  async take(state: RebuildState): Promise<void> {
    state.owner = this.#owner;
    this.#state = state;
    await this.#write();
    this.#arm();
  }

  /** As it stands now. @throws ReplayError when another run has taken over */
  async save(): Promise<void> {
    await this.check();
    await this.#write();
  }

  /** @throws ReplayError when another run has taken over */
  async check(): Promise<void> {
    const text = await this.#retry(() => this.#base.loadRebuild());
    if (decodeRebuildState(text)?.owner !== this.#owner)
      throw new ReplayError('Another replay has taken over these tables. Wait for it, or end it, and start again.');
  }

  /** There is none any more; `tables`: the number that is not to be used again. @throws ReplayError when it is another's */
  async remove(tables: number): Promise<void> {
    this.close();
    await this.#saving;
    if (this.#state === null) return;
    await this.check();
    await this.#base.saveRebuild(noRebuild(tables));
  }

  /** The progress stays, nobody keeps it alive. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** One at a time, so that the last one wins. */
  #write(): Promise<void> {
    const state = this.#state!;
    state.at = Math.floor(this.#runtime.now());
    const text = encodeRebuildState(state);
    return this.#inTurn(async () => {
      await this.#retry(() => this.#base.saveRebuild(text));
      this.#saved = text;
    });
  }

  #arm(): void {
    this.#timer = this.#runtime.setTimer(ALIVE_MS, () => {
      // A failure is met by the next `save`.
      const refreshed = this.#inTurn(() => this.#refresh()).catch(() => {});
      void refreshed.then(() => (this.#isClosed ? undefined : this.#arm()));
    });
  }

  /** Only the time of what was saved last: what has come since may not be durable yet. */
  async #refresh(): Promise<void> {
    if (this.#isClosed || decodeRebuildState(await this.#base.loadRebuild())?.owner !== this.#owner) return;
    const saved = decodeRebuildState(this.#saved)!;
    await this.#base.saveRebuild(encodeRebuildState({ ...saved, at: Math.floor(this.#runtime.now()) }));
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
