// How long after a fault things were as before: the definitions behind the report's times.
//
// A message is late when its receipt, or its delivery, takes longer than LATE_MS. Sends, or deliveries, are back when the
// last late one has come and none is late any more of those that are sent in the QUIET_MS after that (and after the fault
// is healed): what is late later has another reason. Counted are messages from LATE_MS before the fault, which were on
// their way when it came, until as long before the next one.
//
//   ──────┬─ fault ──┬─────────────────────────┬──── next fault ──
//     ·  ·│×  ×   ×  │ ×  ×  · ·  ·  ·  ·  ·  ·│                     × late when sent here
//         └────────────────────▶ the last of them arrives: back
import type { Journey } from '../cluster/ledger/index.ts';

export const LATE_MS = 1_000;
export const QUIET_MS = 5_000;

export type Arrival = 'acknowledgedAt' | 'seenAt';

/** By performance.now(), as the journeys. */
export interface FaultTimes {
  readonly injectedAt: number;
  readonly healedAt: number;
}

/**
 * Milliseconds from `injectedAt` until back, 0 when nothing was late; null when something never came.
 * @param journeys of the fault, sent from LATE_MS before `injectedAt`, in the order of sending
 */
export function backAfter_ms(
  journeys: readonly Journey[],
  arrival: Arrival,
  { injectedAt, healedAt }: FaultTimes,
): number | null {
  let back = injectedAt;
  for (const journey of journeys) {
    if (journey.sentAt > Math.max(back, healedAt) + QUIET_MS) break;
    const at = journey[arrival];
    if (at === null) return null;
    if (at - journey.sentAt > LATE_MS) back = Math.max(back, at);
  }
  return back - injectedAt;
}
