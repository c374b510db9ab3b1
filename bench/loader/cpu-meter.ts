// How much CPU each process of the server spends between two moments.
import type { TargetProcess } from '../scenarios/scenario.ts';
import { cpu_us } from './process-cpu.ts';

export interface ProcessCpu {
  readonly name: string;
  readonly cpu_us: number;
}

export class CpuMeter {
  readonly #processes: readonly TargetProcess[];
  #before: readonly number[] = [];
  #startedAt = 0;

  constructor(processes: readonly TargetProcess[]) {
    this.#processes = processes;
  }

  /** @throws Error when a process is gone, here and in read(). */
  begin(): void {
    this.#before = this.#processes.map(({ pid }) => cpu_us(pid));
    this.#startedAt = performance.now();
  }

  /** Since begin(), in the order of the processes. */
  read(): { readonly duration_s: number; readonly processes: readonly ProcessCpu[] } {
    const duration_s = (performance.now() - this.#startedAt) / 1_000;
    const processes = this.#processes.map(({ name, pid }, i) => ({ name, cpu_us: cpu_us(pid) - this.#before[i]! }));
    return { duration_s, processes };
  }
}

export function sumOf(processes: readonly ProcessCpu[]): number {
  return processes.reduce((sum, { cpu_us }) => sum + cpu_us, 0);
}
