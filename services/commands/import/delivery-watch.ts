// What people notice of a fault: how long it took until their own message came back to them, and whether their
// connection broke. Counted during a fault only, but known all the time, because a message may be on its way before.
import type { Runtime } from '../../kernel/runtime.ts';

export interface Noticed {
  /** From `send` until the sender's own copy came, of whatever was on its way during the fault; the slowest. */
  readonly delivery_s_max: number;
  /** Clients whose connection broke, and were connected again. */
  readonly reconnected: number;
  /** Attempts that the unluckiest of them needed. */
  readonly reconnect_attempts_max: number;
  /** Until the slowest of them was connected and up to date. */
  readonly reconnect_s_max: number;
}

interface Absence {
  readonly since_ms: number;
  attempts: number;
}

export class DeliveryWatch {
  readonly #runtime: Runtime;
  /** When it was sent, by message, in that order. */
  readonly #undelivered = new Map<object, number>();
  readonly #absent = new Map<object, Absence>();
  #delivery_ms_max = 0;
  #reconnected = 0;
  #reconnect_attempts_max = 0;
  #reconnect_ms_max = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  sent(message: object): void {
    this.#undelivered.set(message, this.#runtime.monotonic());
  }

  /** Its own copy came. */
  delivered(message: object): void {
    const sentAt_ms = this.#undelivered.get(message);
    if (sentAt_ms === undefined) return;
    this.#undelivered.delete(message);
    this.#delivery_ms_max = Math.max(this.#delivery_ms_max, this.#runtime.monotonic() - sentAt_ms);
  }

  /** It was refused, or nobody listens for it any more. */
  forget(message: object): void {
    this.#undelivered.delete(message);
  }

  disconnected(client: object): void {
    this.#absent.set(client, { since_ms: this.#runtime.monotonic(), attempts: 0 });
  }

  /** An attempt begins. */
  connecting(client: object): void {
    const absence = this.#absent.get(client);
    if (absence !== undefined) absence.attempts++;
  }

  connected(client: object): void {
    const absence = this.#absent.get(client);
    if (absence === undefined) return;
    this.#absent.delete(client);
    this.#reconnected++;
    this.#reconnect_attempts_max = Math.max(this.#reconnect_attempts_max, absence.attempts);
    this.#reconnect_ms_max = Math.max(this.#reconnect_ms_max, this.#runtime.monotonic() - absence.since_ms);
  }

  closed(client: object): void {
    this.#absent.delete(client);
  }

  /** A fault begins now. */
  begin(): void {
    this.#delivery_ms_max = 0;
    this.#reconnected = 0;
    this.#reconnect_attempts_max = 0;
    this.#reconnect_ms_max = 0;
  }

  /** Everybody is connected, and what was sent until then has come. */
  isOver(until_ms: number): boolean {
    const [oldest_ms] = this.#undelivered.values();
    return this.#absent.size === 0 && (oldest_ms === undefined || oldest_ms > until_ms);
  }

  /** Since `begin`. What is still on its way counts with the time it has taken so far. */
  noticed(): Noticed {
    const now_ms = this.#runtime.monotonic();
    const [oldest_ms = now_ms] = this.#undelivered.values();
    return {
      delivery_s_max: secondsOf(Math.max(this.#delivery_ms_max, now_ms - oldest_ms)),
      reconnected: this.#reconnected,
      reconnect_attempts_max: this.#reconnect_attempts_max,
      reconnect_s_max: secondsOf(this.#reconnect_ms_max),
    };
  }
}

function secondsOf(duration_ms: number): number {
  return Math.round(duration_ms) / 1000;
}
