// What is counted between the end of the warm-up and the end of the run.
import { Histogram } from './histogram.ts';
import { cpu_us, machineCpu_us, ownCpu_us } from './process-cpu.ts';

/** A pause of all deliveries together that is longer than this is a stall. */
export const STALL_MS = 50;

export interface Figures {
  readonly duration_s: number;
  /** Copies that arrived at somebody who is not their sender, and those that arrived at their sender. */
  readonly delivered: number;
  readonly ownCopies: number;
  readonly serverCpu_us: number;
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
  readonly #pids: readonly number[];
  readonly #acks = new Histogram();
  readonly #receipts = new Histogram();
  #running = false;
  #startedAt = 0;
  #lastDeliveryAt = 0;
  #serverCpu_us = 0;
  #loaderCpu_us = 0;
  #machineCpu_us = 0;
  #ownCopies = 0;
  #stalls = 0;
  #longestStall_ms = 0;

  /** `pids`: every process of the server. */
  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  begin(): void {
    this.#serverCpu_us = cpu_us(this.#pids);
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
    const serverCpu_us = cpu_us(this.#pids) - this.#serverCpu_us;
    const loaderCpu_us = ownCpu_us() - this.#loaderCpu_us;
    const otherCpu_us = Math.max(0, machineCpu_us() - this.#machineCpu_us - serverCpu_us - loaderCpu_us);
    const acks = this.#acks;
    const receipts = this.#receipts;
    return {
      duration_s: (now - this.#startedAt) / 1_000,
      delivered: receipts.count,
      ownCopies: this.#ownCopies,
      serverCpu_us,
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
