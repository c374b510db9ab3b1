// A process of the simulation: a clock of its own, timers, and everything it awaits. When it crashes none of that ever
// happens again; while it is paused all of it waits.
import type { Runtime, Timer } from '../../../services/kernel/runtime.ts';
import type { Faults } from './faults.ts';
import type { Owner, Scheduler, Task } from './scheduler.ts';
import { WORLD } from './scheduler.ts';

/** Virtual time 0, in milliseconds since 1970: ids need a time of 48 bits that is not near zero. */
export const TIME_ZERO_MS = 1_800_000_000_000;

/** How the server's side of a call ends. Call one of them once, now or later. */
export interface Answer<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A connection to a server: what goes in first arrives first. */
export interface Lane {
  last_ms: number;
}

/** What strikes a process at one of its next calls. */
interface Fate {
  calls: number;
  readonly point: 'before' | 'applied' | 'answered';
  readonly strike: () => void;
}

export class SimProcess implements Owner {
  readonly name: string;
  readonly runtime: Runtime;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  /** How wrong its clock is. */
  readonly skew_ms: number;
  /** Whether its port calls may throw what nobody expects: only processors promise to survive that. */
  readonly abortable: boolean;
  state: 'running' | 'paused' | 'dead' = 'running';
  pausedSince_ms = 0;
  readonly #held: Task[] = [];
  readonly #atCrash: (() => void)[] = [];
  #fate: Fate | null = null;
  /** Calls without an answer: where a process that does nothing hangs. */
  readonly openCalls = new Map<string, number>();

  constructor(name: string, scheduler: Scheduler, faults: Faults, skew_ms = 0, abortable = false) {
    this.name = name;
    this.scheduler = scheduler;
    this.faults = faults;
    this.skew_ms = skew_ms;
    this.abortable = abortable;
    this.runtime = {
      now: () => Math.floor(TIME_ZERO_MS + scheduler.now_ms + skew_ms),
      monotonic: () => scheduler.now_ms,
      setTimer: (delay_ms, callback) => this.#setTimer(delay_ms, callback),
      random: () => scheduler.random.next(),
      randomBytes: (size) => Uint8Array.from({ length: size }, () => scheduler.random.below(256)),
    };
  }

  hold(task: Task): void {
    this.#held.push(task);
  }

  pause(): void {
    if (this.state !== 'running') return;
    this.state = 'paused';
    this.pausedSince_ms = this.scheduler.now_ms;
  }

  resume(): void {
    if (this.state !== 'paused') return;
    this.state = 'running';
    for (const task of this.#held.splice(0)) this.scheduler.release(task);
  }

  crash(): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.#held.length = 0;
    for (const notice of this.#atCrash.splice(0)) notice();
  }

  /** What the outside does when this process dies: connections break, sessions expire. */
  atCrash(notice: () => void): void {
    this.#atCrash.push(notice);
  }

  /** `strike` happens at one of the three points of the n-th call from now: so faults fall on every await alike. */
  doom(calls: number, point: Fate['point'], strike: () => void): void {
    this.#fate = { calls, point, strike };
  }

  cancelDoom(): void {
    this.#fate = null;
  }

  /** A task of this process. */
  later(delay_ms: number, label: string, run: () => void): Task {
    return this.scheduler.schedule(delay_ms, this, label, run);
  }

  /**
   * A call of a server: the request travels, `serve` runs at the server whatever has become of the caller, the answer
   * travels back to the caller if that still lives. Calls of one lane arrive in order, others in any.
   */
  call<T>(label: string, serve: (answer: Answer<T>) => void, lane?: Lane): Promise<T> {
    const { scheduler } = this;
    const fate = this.#takeFate();
    this.#open(label, 1);
    return new Promise<T>((resolve, reject) => {
      const aborted = this.abortable && this.faults.strikes('handler_aborted');
      // Half of them before anything was asked for, half after it was done.
      const aborts = aborted ? (scheduler.random.chance(0.5) ? 'before' : 'after') : null;
      if (aborted) this.faults.count('handler_aborted');
      const abort = () => reject(new Error(`aborted by the simulation in ${label}`));
      if (fate?.point === 'before') fate.strike();
      if (aborts === 'before') {
        this.later(scheduler.latency_ms(), `${label}!`, () => {
          this.#open(label, -1);
          abort();
        });
        return;
      }
      if (this.state === 'dead') return;
      const answer: Answer<T> = {
        resolve: (value) => {
          if (fate?.point === 'applied') fate.strike();
          this.later(scheduler.latency_ms(), label, () => {
            this.#open(label, -1);
            if (aborts === 'after') abort();
            else resolve(value);
          });
          if (fate?.point === 'answered') this.later(scheduler.latency_ms() * 2, 'fate', fate.strike);
        },
        reject: (error) => {
          this.later(scheduler.latency_ms(), `${label}?`, () => {
            this.#open(label, -1);
            reject(error);
          });
          if (fate !== null && fate.point !== 'before') this.later(scheduler.latency_ms() * 2, 'fate', fate.strike);
        },
      };
      let arrival_ms = scheduler.now_ms + scheduler.latency_ms();
      if (lane !== undefined) {
        arrival_ms = Math.max(arrival_ms, lane.last_ms);
        lane.last_ms = arrival_ms;
      }
      scheduler.schedule(arrival_ms - scheduler.now_ms, WORLD, label, () => serve(answer));
    });
  }

  #open(label: string, by: number): void {
    const count = (this.openCalls.get(label) ?? 0) + by;
    if (count === 0) this.openCalls.delete(label);
    else this.openCalls.set(label, count);
  }

  #takeFate(): Fate | null {
    if (this.#fate === null || --this.#fate.calls > 0) return null;
    const fate = this.#fate;
    this.#fate = null;
    return fate;
  }

  #setTimer(delay_ms: number, callback: () => void): Timer {
    // As the real ones: at least a millisecond, and never early by a rounding error.
    const task = this.later(Math.max(1, delay_ms + 0.01), 'timer', callback);
    return {
      cancel: () => {
        task.run = null;
      },
    };
  }
}
