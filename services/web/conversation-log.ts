// The events of one conversation as far as this page knows them. Entries of the inbox come from one side, pages of the
// history from the other; both are put in by seq, so that nothing shows twice or out of order, whoever was faster.
import type { EventBody, PageStatus } from '../protocol/frames.ts';
import { type Range, withoutBelow, withRange } from './known-ranges.ts';

export class ConversationLog {
  /** By seq, ascending. */
  #events: EventBody[] = [];
  #ranges: readonly Range[] = [];
  /** The entry before this one, of the same inbox: between the two there was nothing for this reader. */
  #lastEntrySeq: number | null = null;

  /** The newest event that is known, whether or not what is right below it is. */
  get last(): EventBody | undefined {
    return this.#events.at(-1);
  }

  /** What can be shown without a gap: the newest events. */
  get shown(): readonly EventBody[] {
    const from = this.#ranges.at(-1)?.from ?? Number.POSITIVE_INFINITY;
    const start = this.#position(from);
    return start === 0 ? this.#events : this.#events.slice(start);
  }

  /** Ask the history for what is before this seq; null when the beginning is shown; undefined when nothing is known. */
  get olderBefore(): number | null | undefined {
    const range = this.#ranges.at(-1);
    if (range === undefined) return undefined;
    return range.from <= 1 ? null : range.from;
  }

  find(seq: number): EventBody | undefined {
    const event = this.#events[this.#position(seq)];
    return event?.seq === seq ? event : undefined;
  }

  /** An entry of the inbox. Returns whether it was new. */
  addEntry(event: EventBody): boolean {
    const { seq } = event;
    const from = this.#lastEntrySeq === null || this.#lastEntrySeq > seq ? seq : this.#lastEntrySeq;
    this.#lastEntrySeq = seq;
    this.#ranges = withRange(this.#ranges, { from, to: seq });
    return this.#insert(event);
  }

  /** A page of history, newest first, as it was asked for: below `before`, or the newest. */
  addPage(events: readonly EventBody[], before: number | undefined, status: PageStatus): void {
    const newest = events[0];
    const oldest = events.at(-1);
    if (status === 'end' || (newest !== undefined && oldest !== undefined)) {
      const from = status === 'end' ? 1 : oldest!.seq;
      const to = before === undefined ? (newest?.seq ?? 0) : before - 1;
      this.#ranges = withRange(this.#ranges, { from, to });
    }
    for (const event of events) this.#insert(event);
  }

  /** Keeps the newest `events_max`; the rest can be loaded again. */
  trim(events_max: number): void {
    if (this.#events.length <= events_max) return;
    this.#events = this.#events.slice(-events_max);
    const from = this.#events[0]!.seq;
    this.#ranges = withoutBelow(this.#ranges, from);
    // The next entry must not claim what was just forgotten.
    if (this.#lastEntrySeq !== null && this.#lastEntrySeq < from) this.#lastEntrySeq = null;
  }

  #insert(event: EventBody): boolean {
    const position = this.#position(event.seq);
    if (this.#events[position]?.seq === event.seq) return false;
    // A new array, so that whoever draws can tell by identity that something changed.
    this.#events = this.#events.toSpliced(position, 0, event);
    return true;
  }

  /** Where the first event at or above `seq` stands. Most often asked for the end. */
  #position(seq: number): number {
    let low = 0;
    let high = this.#events.length;
    if (high > 0 && this.#events[high - 1]!.seq < seq) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
