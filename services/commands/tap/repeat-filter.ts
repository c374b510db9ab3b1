// What stands on `timeline` a second time is left out: at most one row per (conversation, seq).
//
// As the materializer does it (R5): by position, not by conversation. What comes from one partition of `messages` stands
// in `timeline` in the order of its positions, and a fanout that starts again, or two that believe they own the
// partition, repeat a stretch of it from somewhere below:
//
//   positions   5 6 7 8   6 7 8 9        the greatest so far is 8 when the second 6, 7 and 8 come
//               └ first ┘ └ repeats ┘└ new
//
// A command decides at most one event (R3), so a position is an event. The memory is one number a partition of
// `messages`, however many conversations there are; the greatest seq of each of 10^7 conversations would be a gigabyte.
import { partitionOf } from '../../events/partition.ts';
import { NO_POSITION, type Position } from '../../events/position.ts';
import type { TimelineEvent } from '../../events/timeline-events.ts';

export class RepeatFilter {
  /** By partition of `messages`. */
  readonly #greatest: Position[];

  /** `greatest`: where another filter stopped. */
  constructor(partitions: number, greatest?: readonly Position[]) {
    this.#greatest = greatest === undefined ? new Array<Position>(partitions).fill(NO_POSITION) : [...greatest];
  }

  /** Whether the event is here for the first time. */
  take({ conversationId, position }: TimelineEvent): boolean {
    const source = partitionOf(conversationId, this.#greatest.length);
    if (position <= this.#greatest[source]!) return false;
    this.#greatest[source] = position;
    return true;
  }

  get positions(): readonly Position[] {
    return [...this.#greatest];
  }
}
