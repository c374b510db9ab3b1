// The door of this folder: a load on a running cluster and the ledger of it, for the cluster tests and for `faults`.
export { type Cast, type CastGroup, type CastPair, pair, SMALL_CAST, WANDERER } from './cast.ts';
export { checkLedger, type Ledger } from './check-ledger.ts';
export { type Journey, Latecomers } from './latecomers.ts';
export { Load, type LoadOptions } from './load.ts';
export { LogContents, type ReadRecord } from './log-contents.ts';
export type { Attempt, RefusedForNow } from './observations.ts';
export { PerSecond } from './per-second.ts';
export { waitUntil } from './wait-until.ts';
