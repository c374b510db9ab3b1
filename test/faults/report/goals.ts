// What a fault is held to besides the ledger: delivery back after a worker's kill -9, sends back after a leader's.
import type { MeasuredFault } from '../fault-log.ts';
import type { ScenarioResult } from '../scenario-result.ts';

export const DELIVERY_BACK_MS_MAX = 15_000;
export const SENDS_BACK_MS_MAX = 10_000;

/** Those of a result that missed their goal, in words. */
export function missedGoals({ faults }: ScenarioResult): string[] {
  return faults.flatMap((fault) => {
    const missed = missedGoal(fault);
    return missed === null ? [] : [missed];
  });
}

function missedGoal({ label, kind, from_s, deliveryBack_ms, sendsBack_ms }: MeasuredFault): string | null {
  const where = `${label} at ${from_s.toFixed(0)} s`;
  if (kind === 'worker' && !isWithin(deliveryBack_ms, DELIVERY_BACK_MS_MAX))
    return `${where}: delivery back after ${textOf(deliveryBack_ms)}, goal ${DELIVERY_BACK_MS_MAX / 1_000} s`;
  if (kind === 'leader' && !isWithin(sendsBack_ms, SENDS_BACK_MS_MAX))
    return `${where}: sends back after ${textOf(sendsBack_ms)}, goal ${SENDS_BACK_MS_MAX / 1_000} s`;
  return null;
}

function isWithin(duration_ms: number | null, max_ms: number): boolean {
  return duration_ms !== null && duration_ms <= max_ms;
}

function textOf(duration_ms: number | null): string {
  return duration_ms === null ? 'never' : `${(duration_ms / 1_000).toFixed(1)} s`;
}
