// What a tap must remember to go on: where it is, and what it has written. A file of a few kilobytes, whatever was exported.
import type { Position } from '../../events/position.ts';
import type { Format } from './arguments.ts';

export const STATE_FORMAT = 1;

export interface TapState {
  readonly format: typeof STATE_FORMAT;
  readonly to: Format;
  /** As it was typed. */
  readonly from: string;
  readonly topic: string;
  /** By partition of the topic: the offset of the next record to read. */
  readonly next: readonly number[];
  /** By partition: SHA-256 of the last record read, to know the log again; null before the first. */
  readonly last: readonly (string | null)[];
  /** By partition of `messages`: the greatest position written. */
  readonly positions: readonly Position[];
  /** Files made so far; the last one has this number. */
  readonly files: number;
  /** Sums over all runs. */
  readonly totals: Totals;
}

export interface Totals {
  readonly events: number;
  /** That began within what was exported: those with their event 1 in it. */
  readonly conversations: number;
  readonly repeats: number;
  /** Of the files. */
  readonly bytes: number;
}

export const NO_TOTALS: Totals = { events: 0, conversations: 0, repeats: 0, bytes: 0 };
