// Which entry has which number, epoch by epoch. In the first epoch that is the order of the topic `inbox`; a later one
// begins with an order of its own, as far as the rebuild had come, and goes on in that of the topic.
import { nameOf, type Pointer } from './replayed-log.ts';

/** By user: the first entries of an epoch. */
export type Beginnings = ReadonlyMap<string, readonly Pointer[]>;

export class Numberings {
  readonly #beginnings = new Map<number, Beginnings>();

  begin(epoch: number, beginnings: Beginnings): void {
    this.#beginnings.set(epoch, beginnings);
  }

  get epochs(): readonly number[] {
    return [...this.#beginnings.keys()];
  }

  beginning(epoch: number, user: string): readonly Pointer[] {
    return this.#beginnings.get(epoch)?.get(user) ?? [];
  }

  /** `inbox`: the user's in the order of the topic. */
  numbered(epoch: number, user: string, inbox: readonly Pointer[]): readonly Pointer[] {
    const beginning = this.beginning(epoch, user);
    if (beginning.length === 0) return inbox;
    const names = new Set(beginning.map(nameOf));
    return [...beginning, ...inbox.filter((pointer) => !names.has(nameOf(pointer)))];
  }
}
