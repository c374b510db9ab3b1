// A run as data: what the table, the JSON file and the picture are made from.
import type { Conditions } from '../../../bench/conditions.ts';
import { VIOLATION_KINDS, type ViolationKind } from '../../simulation/checker/violations.ts';
import { type ScenarioResult, violationCountOf } from '../scenario-result.ts';
import { missedGoals } from './goals.ts';
import { type Quantiles, quantilesOf } from './quantiles.ts';

export interface FaultReport {
  /** ISO 8601, of its beginning. */
  readonly date: string;
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
  readonly rate: number;
  /** Of fanlog. */
  readonly version: string;
  readonly conditions: Conditions;
  /** Scenarios that were asked for: a run that was broken off has fewer results. */
  readonly asked: number;
  readonly results: readonly ScenarioResult[];
}

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly notRun: string | null;
  readonly faults: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly violations: Readonly<Record<ViolationKind, number>>;
  /** Over the faults of the row. */
  readonly deliveryBack: Quantiles | null;
  readonly sendsBack: Quantiles | null;
  /** The longest one, from its injection to its healing. */
  readonly faultLasted_ms: number;
  readonly missedGoals: readonly string[];
}

export function rowOf(result: ScenarioResult): Row {
  const { name, title, notRun, faults, sent, acknowledged, violationCounts } = result;
  return {
    ...{ name, title, notRun, sent, acknowledged },
    faults: faults.length,
    violations: violationCounts,
    deliveryBack: quantilesOf(faults.map(({ deliveryBack_ms }) => deliveryBack_ms)),
    sendsBack: quantilesOf(faults.map(({ sendsBack_ms }) => sendsBack_ms)),
    faultLasted_ms: Math.max(0, ...faults.map(({ from_s, until_s }) => (until_s - from_s) * 1_000)),
    missedGoals: missedGoals(result),
  };
}

/** Of all scenarios; times over all their faults. */
export function totalOf(results: readonly ScenarioResult[]): Row {
  const sum = (of: (result: ScenarioResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const faults = results.flatMap((result) => result.faults);
  const violations = VIOLATION_KINDS.map(
    (kind) => [kind, sum(({ violationCounts }) => violationCounts[kind])] as const,
  );
  return {
    ...{ name: 'all', title: '', notRun: null, faults: faults.length },
    sent: sum(({ sent }) => sent),
    acknowledged: sum(({ acknowledged }) => acknowledged),
    violations: Object.fromEntries(violations) as Row['violations'],
    deliveryBack: quantilesOf(faults.map(({ deliveryBack_ms }) => deliveryBack_ms)),
    sendsBack: quantilesOf(faults.map(({ sendsBack_ms }) => sendsBack_ms)),
    faultLasted_ms: Math.max(0, ...faults.map(({ from_s, until_s }) => (until_s - from_s) * 1_000)),
    missedGoals: results.flatMap((result) => missedGoals(result)),
  };
}

/** Whether nothing that was asked for is missing. */
export function isComplete({ results, asked }: FaultReport): boolean {
  return results.length === asked && results.every(({ notRun }) => notRun === null);
}

export function isClean({ results }: FaultReport): boolean {
  return results.every((result) => violationCountOf(result) === 0);
}
