// A role that a process of the simulated deployment runs, and its life: it starts, crashes, pauses, starts again.
import type { Logger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { WORLD } from '../kernel/scheduler.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import type { World } from './world.ts';

export interface Started {
  /** A clean end; the process is gone when it resolves. */
  stop?(): Promise<void>;
  /** Whether all is well, as its health check would say. */
  healthy?(): boolean;
}

export interface RoleContext {
  readonly world: World;
  readonly process: SimProcess;
  readonly name: string;
  /** Unique per start. */
  readonly incarnation: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export type StartRole = (context: RoleContext) => Promise<Started>;

export class Role {
  readonly name: string;
  readonly #world: World;
  readonly #start: StartRole;
  readonly #skew_ms: number;
  readonly #abortable: boolean;
  process: SimProcess | null = null;
  started: Started | null = null;
  #incarnations = 0;

  constructor(world: World, name: string, start: StartRole, skew_ms: number, abortable: boolean) {
    this.#world = world;
    this.name = name;
    this.#start = start;
    this.#skew_ms = skew_ms;
    this.#abortable = abortable;
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.process?.state ?? 'dead';
  }

  start(): void {
    const world = this.#world;
    const incarnation = String(++this.#incarnations);
    const { scheduler, faults } = world;
    const process = new SimProcess(`${this.name}.${incarnation}`, scheduler, faults, this.#skew_ms, this.#abortable);
    const metrics = new Metrics();
    world.metrics.push(metrics);
    this.process = process;
    this.started = null;
    const logger = world.loggerOf(process);
    // A first task of its own: nothing of the new process runs inside whatever started it.
    process.later(0, 'start', () => {
      this.#start({ world, process, name: this.name, incarnation, metrics, logger }).then(
        (started) => {
          if (this.process === process) this.started = started;
        },
        () => this.crash(scheduler.random.between(50, 500)),
      );
    });
  }

  crash(restart_ms: number): void {
    const { process } = this;
    if (process === null || process.state === 'dead') return;
    process.crash();
    this.#world.scheduler.schedule(restart_ms, WORLD, 'restart', () => {
      if (this.process === process) this.start();
    });
  }

  pause(duration_ms: number): void {
    const { process } = this;
    const { scheduler, log } = this.#world;
    if (process === null || process.state !== 'running') return;
    process.pause();
    const since = process.pausedSince_ms;
    const isSame = () => process.state === 'paused' && process.pausedSince_ms === since;
    scheduler.schedule(this.#world.times.session_ms, WORLD, 'session', () => {
      if (isSame()) log.expire(process);
    });
    scheduler.schedule(duration_ms, WORLD, 'resume', () => {
      if (isSame()) this.resume();
    });
  }

  resume(): void {
    const { process } = this;
    if (process === null || process.state !== 'paused') return;
    process.resume();
    const { scheduler, log } = this.#world;
    // It goes on believing for a while; then its heartbeat tells it to join again.
    process.later(scheduler.random.between(1, 1_500), 'rejoin', () => log.returned(process));
  }

  /** A clean restart, as a deploy does it. */
  async replace(): Promise<void> {
    const { process, started } = this;
    if (process === null || process.state !== 'running' || started?.stop === undefined) return;
    this.started = null;
    try {
      await started.stop();
    } catch {
      // It could not say goodbye; then it is killed.
    }
    if (this.process !== process) return;
    process.crash();
    this.start();
  }

  /** After healing: runs, whatever it was. */
  heal(): void {
    this.process?.cancelDoom();
    this.resume();
    if (this.state === 'dead') this.start();
  }
}
