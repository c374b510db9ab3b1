// How long messages take from the send until another user has them, and until they are acknowledged: what people notice of
// a fault. Messages stand in the order of sending, and the front ones that have arrived are never looked at again, so that
// asking at every poll costs the same with a hundred thousand messages as with ten.

export interface Journey {
  /** performance.now() */
  readonly sentAt: number;
  /** When the receipt came, or the outcome where that was first. */
  readonly acknowledgedAt: number | null;
  readonly seenAt: number | null;
}

export class Latecomers {
  readonly #byPayload = new Map<string, Mutable<Journey>>();
  /** In the order of sending. */
  readonly #all: Mutable<Journey>[] = [];
  /** All before it have arrived. */
  #front = 0;

  /** Payloads are unlike each other, and each is to arrive at somebody else. */
  sent(payload: string): void {
    const journey = { sentAt: performance.now(), acknowledgedAt: null, seenAt: null };
    this.#byPayload.set(payload, journey);
    this.#all.push(journey);
  }

  /** Only the first time counts. */
  acknowledged(payload: string): void {
    const journey = this.#byPayload.get(payload);
    if (journey !== undefined) journey.acknowledgedAt ??= performance.now();
  }

  /** Only the first time counts. */
  seen(payload: string): void {
    const journey = this.#byPayload.get(payload);
    if (journey !== undefined) journey.seenAt ??= performance.now();
  }

  /** The longest journey of those sent from `from` to `until` (performance.now()) that have arrived. */
  slowest_ms(from: number, until = Number.POSITIVE_INFINITY): number {
    let slowest = 0;
    for (const { sentAt, seenAt } of this.sentBetween(from, until))
      if (seenAt !== null) slowest = Math.max(slowest, seenAt - sentAt);
    return slowest;
  }

  /** All that were sent before `moment` have arrived. */
  hasCaughtUp(moment: number): boolean {
    for (; this.#front < this.#all.length; this.#front++) {
      const { sentAt, seenAt } = this.#all[this.#front]!;
      if (seenAt === null) return sentAt > moment;
    }
    return true;
  }

  /** How long after `moment` the last of those arrived that were sent before it; 0 when all had. */
  caughtUpAfter_ms(moment: number): number {
    let last = moment;
    for (const { seenAt } of this.sentBetween(0, moment)) if (seenAt !== null) last = Math.max(last, seenAt);
    return last - moment;
  }

  /** In the order of sending. */
  sentBetween(from: number, until: number): readonly Journey[] {
    return this.#all.slice(this.#firstFrom(from), this.#firstAfter(until));
  }

  #firstFrom(moment: number): number {
    return this.#search(({ sentAt }) => sentAt >= moment);
  }

  #firstAfter(moment: number): number {
    return this.#search(({ sentAt }) => sentAt > moment);
  }

  /** The first that `isBeyond`, as all behind it are. */
  #search(isBeyond: (journey: Journey) => boolean): number {
    let [low, high] = [0, this.#all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBeyond(this.#all[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
