// What is published to one stream: one XADD in flight, and what comes meanwhile goes together in the next. An entry costs
// publisher, server and reader the same whatever is in it, so entries grow with load. The order of publishing stays.
import type { DeliveryRecord } from '../delivery-stream.ts';

export type PublishOutcome = 'handed_over' | 'gone';

interface Published {
  readonly records: readonly DeliveryRecord[];
  readonly weight: number;
  readonly resolve: (outcome: PublishOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export class PublishLane {
  readonly #weight_max: number;
  readonly #send: (records: readonly DeliveryRecord[]) => Promise<PublishOutcome>;
  readonly #onIdle: () => void;
  #waiting: Published[] = [];
  #busy = false;

  /** `weight_max`: of one entry. `send`: adds one. `onIdle`: nothing is under way, and nothing waits. */
  constructor(
    weight_max: number,
    send: (records: readonly DeliveryRecord[]) => Promise<PublishOutcome>,
    onIdle: () => void,
  ) {
    this.#weight_max = weight_max;
    this.#send = send;
    this.#onIdle = onIdle;
  }

  publish(records: readonly DeliveryRecord[], weight: number): Promise<PublishOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, weight, resolve, reject });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // Partitions that wrote together tell their recipients in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const taken = this.#take();
      try {
        const outcome = await this.#send(
          taken.length === 1 ? taken[0]!.records : taken.flatMap(({ records }) => records),
        );
        for (const { resolve } of taken) resolve(outcome);
      } catch (error) {
        for (const { reject } of taken) reject(error);
      }
    }
    this.#busy = false;
    this.#onIdle();
  }

  /** The oldest, as many as one entry holds; at least one. */
  #take(): readonly Published[] {
    let count = 0;
    for (let weight = 0; count < this.#waiting.length; count++) {
      weight += this.#waiting[count]!.weight;
      if (count > 0 && weight > this.#weight_max) break;
    }
    return this.#waiting.splice(0, count);
  }
}

/** What records take in memory and on the wire, in hundreds of bytes, about. */
export function weightOf(records: readonly DeliveryRecord[]): number {
  let weight = 0;
  for (const record of records) {
    if (record.type === 'entry') weight += 1 + record.recipients.length + record.event.length / 100;
    else weight += record.type === 'behind' ? record.users.length : 1;
  }
  return weight;
}
