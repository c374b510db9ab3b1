// A new folder, or a new keyspace, is a new set of inbox tables, so it gets a name of its own: a browser that remembers
// a cursor of one that was thrown away is told so.
import type { Runtime } from '../kernel/runtime.ts';

/** Small enough that epoch * 2^40 + inboxSeq stays a number, with room to rise. */
const EPOCH_FIRST_MAX = 4_000;

export function firstEpoch(runtime: Runtime): number {
  return 1 + Math.floor(runtime.random() * EPOCH_FIRST_MAX);
}
