// What is counted between the end of the warm-up and the end of the run.
import type { TargetProcess } from '../scenarios/scenario.ts';
import { CpuMeter, type ProcessCpu, sumOf } from './cpu-meter.ts';
import { Histogram } from './histogram.ts';
import { machineCpu_us, ownCpu_us } from './process-cpu.ts';

/** A pause of all deliveries together that is longer than this is a stall. */
export const STALL_MS = 50;

export interface Figures {
  readonly duration_s: number;
  /** Copies that arrived at somebody who is not their sender, and those that arrived at their sender. */
  readonly delivered: number;
  readonly ownCopies: number;
  /** Of all its processes; below, of each. */
  readonly serverCpu_us: number;
  readonly processes: readonly ProcessCpu[];
  readonly loaderCpu_us: number;
  /** Everything else on the machine: what disturbed the run. */
  readonly otherCpu_us: number;
  readonly ack_p50_ms: number | null;
  readonly ack_p99_ms: number | null;
  readonly receive_p50_ms: number | null;
  readonly receive_p99_ms: number | null;
  readonly receive_max_ms: number | null;
  readonly stalls: number;
  readonly longestStall_ms: number;
}

export class Measurement {
  readonly #server: CpuMeter;
  readonly #acks = new Histogram();
  readonly #receipts = new Histogram();
  #running = false;
  #startedAt = 0;
  #lastDeliveryAt = 0;
  #loaderCpu_us = 0;
  #machineCpu_us = 0;
  #ownCopies = 0;
  #stalls = 0;
  #longestStall_ms = 0;

  /** `processes`: all of the server. */
  constructor(processes: readonly TargetProcess[]) {
    this.#server = new CpuMeter(processes);
  }

  begin(): void {
    this.#server.begin();
    this.#loaderCpu_us = ownCpu_us();
    this.#machineCpu_us = machineCpu_us();
    this.#startedAt = performance.now();
    this.#lastDeliveryAt = this.#startedAt;
    this.#running = true;
  }

  end(): Figures {
    const now = performance.now();
    this.#running = false;
    this.#pauseUntil(now);
    const { processes } = this.#server.read();
    const serverCpu_us = sumOf(processes);
    const loaderCpu_us = ownCpu_us() - this.#loaderCpu_us;
    const otherCpu_us = Math.max(0, machineCpu_us() - this.#machineCpu_us - serverCpu_us - loaderCpu_us);
    const acks = this.#acks;
    const receipts = this.#receipts;
    return {
      duration_s: (now - this.#startedAt) / 1_000,
      delivered: receipts.count,
      ownCopies: this.#ownCopies,
      serverCpu_us,
      processes,
      loaderCpu_us,
      otherCpu_us,
      ack_p50_ms: acks.quantile_ms(0.5),
      ack_p99_ms: acks.quantile_ms(0.99),
      receive_p50_ms: receipts.quantile_ms(0.5),
      receive_p99_ms: receipts.quantile_ms(0.99),
      receive_max_ms: receipts.count === 0 ? null : receipts.max_ms,
      stalls: this.#stalls,
      longestStall_ms: this.#longestStall_ms,
    };
  }

  get delivered(): number {
    return this.#receipts.count;
  }

  onAccepted(now: number, sentAt: number): void {
    if (this.#running) this.#acks.add(now - sentAt);
  }

  onDelivered(now: number, sentAt: number): void {
    if (!this.#running) return;
    this.#pauseUntil(now);
    this.#receipts.add(now - sentAt);
  }

  onOwnCopy(): void {
    if (this.#running) this.#ownCopies++;
  }

  #pauseUntil(now: number): void {
    const pause_ms = now - this.#lastDeliveryAt;
    this.#lastDeliveryAt = now;
    if (pause_ms > this.#longestStall_ms) this.#longestStall_ms = pause_ms;
    if (pause_ms > STALL_MS) this.#stalls++;
  }
}
