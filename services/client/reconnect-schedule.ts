// How long to wait between two connections.
import { errorCatalogue } from '../kernel/errors.ts';
import type { Runtime } from '../kernel/runtime.ts';
import { type BackoffLimits, backoff_ms } from './backoff.ts';
import type { ClientLimits } from './client-options.ts';

export class ReconnectSchedule {
  readonly #runtime: Runtime;
  readonly #limits: ClientLimits;
  /** Connections since the last good one. */
  #attempt = 0;
  /** Monotonic: when the last good one ended, or the first attempt failed. */
  #outageSince_ms = 0;

  constructor(runtime: Runtime, limits: ClientLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
  }

  /** After a connection, or an attempt, that ended with `closeCode` and was live for `liveFor_ms`. */
  pauseAfter_ms(closeCode: number, liveFor_ms: number): number {
    const { stable_ms, draining_ms, rate_pause_ms } = this.#limits;
    if (liveFor_ms >= stable_ms) this.#attempt = 0;
    const attempt = this.#attempt++;
    if (attempt === 0) this.#outageSince_ms = this.#runtime.monotonic();
    // A restart is nobody's fault, once.
    if (closeCode === errorCatalogue.draining.close && attempt === 0) return this.#runtime.random() * draining_ms;
    const pause_ms = backoff_ms(this.#runtime, this.#backoff(), attempt);
    return closeCode === errorCatalogue.too_many_frames.close ? pause_ms + rate_pause_ms : pause_ms;
  }

  #backoff(): BackoffLimits {
    const { reconnect, outage_young_cap_ms, outage_young_ms } = this.#limits;
    if (this.#runtime.monotonic() - this.#outageSince_ms >= outage_young_ms) return reconnect;
    return { base_ms: reconnect.base_ms, cap_ms: Math.min(reconnect.cap_ms, outage_young_cap_ms) };
  }
}
