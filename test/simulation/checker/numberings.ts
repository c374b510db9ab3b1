// Which entry has which number, epoch by epoch. In the first epoch that is the order of the topic `inbox`; a later one
// begins with an order of its own, as far as the rebuild had come, and goes on in that of the topic.
import { nameOf, type Pointer } from './pointer.ts';

/** By user: the first entries of an epoch. */
export type Beginnings = ReadonlyMap<string, readonly Pointer[]>;

export class Numberings {
  readonly #beginnings: Map<number, Beginnings>;

  /** `first`: the epoch of the topic's own order. */
  constructor(first: number) {
    this.#beginnings = new Map([[first, new Map()]]);
  }

  begin(epoch: number, beginnings: Beginnings): void {
    this.#beginnings.set(epoch, beginnings);
  }

  get epochs(): readonly number[] {
    return [...this.#beginnings.keys()];
  }

  beginning(epoch: number, user: string): readonly Pointer[] {
    return this.#beginnings.get(epoch)?.get(user) ?? [];
  }

  /** `inbox`: the user's in the order of the topic. An epoch that never began has no entries. */
  numbered(epoch: number, user: string, inbox: readonly Pointer[]): readonly Pointer[] {
    if (!this.#beginnings.has(epoch)) return [];
    const beginning = this.beginning(epoch, user);
    const names = new Set(beginning.map(nameOf));
    return [...beginning, ...inbox.filter((pointer) => !names.has(nameOf(pointer)))];
  }
}
