// --chaos: kills one process after the other with -9 while the import goes on, at fixed shares of its steps.
//
//   steps   0 %  ────  15 %  ─────────  30 %  ────── …
//                      kill api         kill edge: only when the api is ready again and deliveries have come through;
//                                       until then no step is made. So a short import has every kill too, one at a time
import type { Runtime } from '../../kernel/runtime.ts';
import { sleep } from '../../kernel/runtime.ts';
import type { CpuMeter } from './cpu-meter.ts';
import type { DeliveryWatch, Noticed } from './delivery-watch.ts';
import type { ImportTarget, Victim } from './import-target.ts';

/** After a process is ready again: what was sent before must come, and who was cut off must be back. */
const OVER_MS_MAX = 30_000;
const OVER_POLL_MS = 20;

export interface Kill extends Noticed {
  readonly process: string;
  /** Messages that had been sent. */
  readonly atMessage: number;
  /** From the kill until the process, started again, was ready. */
  readonly ready_s: number;
}

export interface ChaosReport {
  readonly kills: readonly Kill[];
  /** What the import was too short for. */
  readonly notKilled: readonly string[];
  /** How long no step was made, because a kill was due and the one before it not over. */
  readonly held_s: number;
}

export interface ChaosOptions {
  readonly target: ImportTarget;
  readonly meter: CpuMeter;
  readonly watch: DeliveryWatch;
  readonly runtime: Runtime;
  /** Of the whole import. */
  readonly steps: number;
  readonly note: (line: string) => void;
  /** A process did not come back. */
  readonly onFailed: (error: Error) => void;
}

export class Chaos {
  readonly #options: ChaosOptions;
  /** Those to come. */
  readonly #victims: Victim[];
  readonly #kills: Kill[] = [];
  #current: Promise<void> | null = null;
  #stepsDone = 0;
  #held_ms = 0;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#victims = [...options.target.victims];
  }

  /** A step was made, and so many messages were sent. null: the next one may follow at once. */
  onStep(messages: number): Promise<void> | null {
    this.#stepsDone++;
    if (!this.#isDue()) return null;
    if (this.#current !== null) return this.#hold(messages);
    this.#begin(messages);
    return null;
  }

  /** After the last step: resolves when the last kill is over. */
  async end(): Promise<ChaosReport> {
    await this.#current;
    const notKilled = this.#victims.map(({ part }) => part);
    return { kills: this.#kills, notKilled, held_s: Math.round(this.#held_ms) / 1000 };
  }

  #isDue(): boolean {
    const [next] = this.#victims;
    return next !== undefined && this.#stepsDone >= next.share * this.#options.steps;
  }

  // Whoever comes first begins the next one; the others find it begun.
  async #hold(messages: number): Promise<void> {
    const { runtime } = this.#options;
    const since_ms = runtime.monotonic();
    const awaited = this.#current;
    await awaited;
    if (this.#current !== null || !this.#isDue()) return;
    this.#held_ms += runtime.monotonic() - since_ms;
    this.#begin(messages);
  }

  #begin(messages: number): void {
    const { part } = this.#victims.shift()!;
    this.#current = this.#kill(part, messages).then(
      () => {
        this.#current = null;
      },
      (error: Error) => this.#options.onFailed(error),
    );
  }

  async #kill(part: string, atMessage: number): Promise<void> {
    const { target, meter, watch, runtime, note } = this.#options;
    const process = meter.busiest(part);
    if (process === null) throw new Error(`no ${part} is running that could be killed`);
    note(`kill -9    ${process}, after ${atMessage.toLocaleString('en-US')} messages`);
    watch.begin();
    const killedAt_ms = runtime.monotonic();
    await target.kill(process);
    const readyAt_ms = runtime.monotonic();
    while (!watch.isOver(readyAt_ms) && runtime.monotonic() < readyAt_ms + OVER_MS_MAX) {
      await sleep(runtime, OVER_POLL_MS);
    }
    const ready_s = Math.round(readyAt_ms - killedAt_ms) / 1000;
    const kill = { process, atMessage, ready_s, ...watch.noticed() };
    note(`           ${process} was ready again after ${ready_s.toFixed(1)} s`);
    this.#kills.push(kill);
  }
}
