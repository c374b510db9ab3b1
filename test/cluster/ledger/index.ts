// The door of this folder: a load on a running cluster and the ledger of it, for the cluster tests and for `faults`.
export { WANDERER } from './cast.ts';
export { checkLedger, type Ledger } from './check-ledger.ts';
export { Load, type LoadOptions } from './load.ts';
export { LogContents } from './log-contents.ts';
export type { Attempt, RefusedForNow } from './observations.ts';
export { waitUntil } from './wait-until.ts';
