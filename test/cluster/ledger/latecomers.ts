// How long messages take from the send until another user has them: what people notice of a fault.

interface Journey {
  /** performance.now() */
  readonly sentAt: number;
  seenAt: number | null;
}

export class Latecomers {
  readonly #journeys = new Map<string, Journey>();

  /** Payloads are unlike each other, and each is to arrive at somebody else. */
  sent(payload: string): void {
    this.#journeys.set(payload, { sentAt: performance.now(), seenAt: null });
  }

  /** Only the first time counts. */
  seen(payload: string): void {
    const journey = this.#journeys.get(payload);
    if (journey !== undefined) journey.seenAt ??= performance.now();
  }

  /** The longest journey of those sent from `from` to `until` (performance.now()) that have arrived. */
  slowest_ms(from: number, until = Number.POSITIVE_INFINITY): number {
    let slowest = 0;
    for (const { sentAt, seenAt } of this.#journeys.values()) {
      if (sentAt >= from && sentAt <= until && seenAt !== null) slowest = Math.max(slowest, seenAt - sentAt);
    }
    return slowest;
  }

  /** All that were sent before `moment` have arrived. */
  hasCaughtUp(moment: number): boolean {
    return [...this.#journeys.values()].every(({ sentAt, seenAt }) => sentAt > moment || seenAt !== null);
  }

  /** How long after `moment` the last of those arrived that were sent before it; 0 when all had. */
  caughtUpAfter_ms(moment: number): number {
    let last = moment;
    for (const { sentAt, seenAt } of this.#journeys.values())
      if (sentAt <= moment && seenAt !== null) last = Math.max(last, seenAt);
    return last - moment;
  }
}
