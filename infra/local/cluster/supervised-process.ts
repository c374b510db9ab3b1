// One process that is started again whenever it ends without being asked to; it never gives up.
//
//   starting ──▶ ready ──▶ (it ends) ──▶ restarting ──▶ ready ──▶ … ──▶ stopped
import { setTimeout as sleep } from 'node:timers/promises';
import { oneLine } from '../launch.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { RestartSchedule } from './restart-schedule.ts';

export type ProcessState = 'starting' | 'ready' | 'restarting' | 'stopped';

export type Launched = {
  readonly pid: number;
  readonly exited: Promise<Exit>;
};
export type Exit = {
  /** `exit 1`, `SIGKILL`, with what the process said last. */
  readonly how: string;
  /** By its own decision: a start that fails so will fail again. */
  readonly byItself: boolean;
};

/** What differs between a role and a server. */
export type Program = {
  readonly name: string;
  /** Rejects if it does not start. */
  readonly launch: () => Promise<Launched>;
  readonly isReady: () => Promise<boolean>;
  /** Asks it to end, and makes it end after a while. */
  readonly end: (launched: Launched) => Promise<void>;
};

const READY_POLL_MS = 50;

export class SupervisedProcess {
  readonly #program: Program;
  readonly #isRestarted: boolean;
  readonly #emit: (event: ClusterEvent) => void;
  readonly #schedule = new RestartSchedule();
  readonly #ending = new AbortController();
  #launched: Launched | null = null;
  #state: ProcessState = 'starting';
  #restarts = 0;
  #failure: string | null = null;
  /** Asked to end in order to be started again. */
  #isCycled = false;
  #gone: Promise<void> = Promise.resolve();

  constructor(program: Program, options: { restart: boolean; emit: (event: ClusterEvent) => void }) {
    this.#program = program;
    this.#isRestarted = options.restart;
    this.#emit = options.emit;
  }

  get name(): string {
    return this.#program.name;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** null while there is none. */
  get pid(): number | null {
    return this.#launched?.pid ?? null;
  }

  /** How often it was started again after it had ended without being asked to. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it ended by its own decision before it was ready for the first time; null if it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  start(): void {
    this.#gone = this.#supervise();
  }

  /** Sends a signal, as from outside. After SIGKILL it is not ready until it was started again. */
  kill(signal: NodeJS.Signals): boolean {
    if (this.#launched === null) return false;
    process.kill(this.#launched.pid, signal);
    if (signal === 'SIGKILL' && this.#state === 'ready') this.#state = 'restarting';
    return true;
  }

  /** Asks it to end and to begin anew, as after a change of its settings; resolves when it is ready again. */
  async cycle(): Promise<void> {
    const launched = this.#launched;
    if (launched === null || this.#state === 'stopped') return; // the next start has the new settings anyway
    this.#isCycled = true;
    await this.#program.end(launched);
    while (this.#launched === launched || this.#state !== 'ready') {
      if (this.#ending.signal.aborted) return;
      await sleep(READY_POLL_MS);
    }
  }

  /** Ends it for good; resolves when it is gone. */
  async stop(): Promise<void> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort();
      if (this.#launched !== null) {
        this.#say('stopping');
        await this.#program.end(this.#launched);
      }
    }
    await this.#gone;
  }

  async #supervise(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const started_ms = performance.now();
      const exit = await this.#runOnce();
      if (this.#ending.signal.aborted) break;
      if (this.#isCycled) {
        this.#isCycled = false;
        this.#state = 'restarting';
        this.#say('restarting', 'with new settings');
        continue;
      }
      if (this.#state === 'starting' && exit.byItself) this.#failure = exit.how;
      this.#say('ended', exit.how);
      if (!this.#isRestarted) break;
      this.#state = 'restarting';
      this.#restarts++;
      const pause_ms = this.#schedule.next(performance.now() - started_ms);
      this.#say('restarting', pause_ms === 0 ? 'at once' : `in ${pause_ms / 1000} s`);
      await sleep(pause_ms, undefined, { ref: false, signal: this.#ending.signal }).catch(() => {});
    }
    this.#state = 'stopped';
    this.#say('stopped');
  }

  async #runOnce(): Promise<Exit> {
    const started_ms = performance.now();
    try {
      const launched = await this.#program.launch();
      this.#launched = launched;
      this.#say('started', `process ${launched.pid}`);
      if (this.#ending.signal.aborted) await this.#program.end(launched);
      else void this.#watchReadiness(launched, started_ms);
      return await launched.exited;
    } catch (error) {
      return { how: oneLine(error), byItself: true };
    } finally {
      this.#launched = null;
    }
  }

  async #watchReadiness(launched: Launched, started_ms: number): Promise<void> {
    while (!(await this.#program.isReady())) {
      if (this.#launched !== launched) return;
      await sleep(READY_POLL_MS, undefined, { ref: false });
    }
    if (this.#launched !== launched || this.#ending.signal.aborted) return;
    this.#state = 'ready';
    this.#say('ready', `after ${((performance.now() - started_ms) / 1000).toFixed(1)} s`);
  }

  #say(what: ClusterEvent['what'], text = ''): void {
    this.#emit({ at_ms: Date.now(), process: this.name, what, text });
  }
}
