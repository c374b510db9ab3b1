// The faults of one scenario, from the moment of each injection to its healing, and what they did to the messages.
import type { Latecomers } from '../cluster/ledger/index.ts';
import { backAfter_ms, LATE_MS } from './measure-back.ts';
import type { FaultKind } from './scenario.ts';

/** Times by performance.now(). */
interface Mark {
  readonly label: string;
  readonly kind: FaultKind;
  readonly from: number;
  until: number | null;
}

export interface MeasuredFault {
  readonly label: string;
  readonly kind: FaultKind;
  /** Since the load's beginning. */
  readonly from_s: number;
  readonly until_s: number;
  /** Since the injection; null: something never came. */
  readonly deliveryBack_ms: number | null;
  readonly sendsBack_ms: number | null;
}

export class FaultLog {
  readonly #marks: Mark[] = [];

  /** Rejects with what `inject` rejects with. */
  async during<T>(label: string, kind: FaultKind, inject: () => Promise<T>): Promise<T> {
    const mark: Mark = { label, kind, from: performance.now(), until: null };
    this.#marks.push(mark);
    try {
      return await inject();
    } finally {
      mark.until = performance.now();
    }
  }

  get count(): number {
    return this.#marks.length;
  }

  /** Everything was sent between `startedAt` and `endedAt`. */
  measure(latecomers: Latecomers, startedAt: number, endedAt: number): MeasuredFault[] {
    return this.#marks.map(({ label, kind, from, until }, index) => {
      const next = this.#marks[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      const journeys = latecomers.sentBetween(from - LATE_MS, Math.min(endedAt, next - LATE_MS));
      const times = { injectedAt: from, healedAt: until ?? endedAt };
      return {
        ...{ label, kind },
        from_s: (from - startedAt) / 1_000,
        until_s: ((until ?? endedAt) - startedAt) / 1_000,
        deliveryBack_ms: backAfter_ms(journeys, 'seenAt', times),
        sendsBack_ms: backAfter_ms(journeys, 'acknowledgedAt', times),
      };
    });
  }
}
