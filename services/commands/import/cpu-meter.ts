// CPU seconds by process, from one moment to another, over restarts. A process that ends by itself takes with it what it
// used since the last reading: at most a second.
import type { Runtime, Timer } from '../../kernel/runtime.ts';
import { cpuSecondsOf } from './cpu-time.ts';
import type { TargetProcess } from './import-target.ts';

const INTERVAL_MS = 1_000;

interface Reading {
  readonly name: string;
  /** At the beginning; 0 for what was started later. */
  readonly first_s: number;
  last_s: number;
}

export class CpuMeter {
  readonly #processes: () => readonly TargetProcess[];
  readonly #runtime: Runtime;
  readonly #secondsOf: (pid: number) => number | null;
  readonly #readings = new Map<number, Reading>();
  readonly #names = new Set<string>();
  #isBegun = false;
  #timer: Timer | null = null;

  /** Begins. `secondsOf`: what a process has used so far. */
  constructor(processes: () => readonly TargetProcess[], runtime: Runtime, secondsOf = cpuSecondsOf) {
    this.#processes = processes;
    this.#runtime = runtime;
    this.#secondsOf = secondsOf;
    this.#tick();
    this.#isBegun = true;
  }

  read(): void {
    for (const { name, pid } of this.#processes()) {
      this.#names.add(name);
      const now_s = pid === null ? null : this.#secondsOf(pid);
      if (now_s === null) continue;
      const reading = this.#readings.get(pid!);
      if (reading !== undefined) reading.last_s = now_s;
      else this.#readings.set(pid!, { name, first_s: this.#isBegun ? 0 : now_s, last_s: now_s });
    }
  }

  /** By name, in the order of the processes, as of the last reading; null where nobody tells. */
  seconds(): Record<string, number | null> {
    const sums: Record<string, number | null> = Object.fromEntries([...this.#names].map((name) => [name, null]));
    for (const { name, first_s, last_s } of this.#readings.values()) {
      sums[name] = hundredths((sums[name] ?? 0) + last_s - first_s);
    }
    return sums;
  }

  /** The process of this part that has worked most so far; the first one where nobody tells. null: none runs. */
  busiest(part: string): string | null {
    this.read();
    const seconds = this.seconds();
    const running = this.#processes().filter((process) => process.part === part && process.pid !== null);
    running.sort((a, b) => (seconds[b.name] ?? 0) - (seconds[a.name] ?? 0));
    return running[0]?.name ?? null;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #tick(): void {
    this.read();
    this.#timer = this.#runtime.setTimer(INTERVAL_MS, () => this.#tick());
  }
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
