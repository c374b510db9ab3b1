// What became of one scenario: the unit of the report, the JSON file and the picture.
import type { ViolationCounts } from '../simulation/checker/violations.ts';
import type { MeasuredFault } from './fault-log.ts';

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly seed: number;
  /** Why this machine cannot run it; null: it ran. */
  readonly notRun: string | null;
  readonly faults: readonly MeasuredFault[];
  /** By the load's clients. */
  readonly sent: number;
  /** Of those, with a receipt or an outcome. */
  readonly acknowledged: number;
  /** Numbered events in the log. */
  readonly events: number;
  /** What all users pulled from zero. */
  readonly entries: number;
  readonly violationCounts: ViolationCounts;
  /** In sentences, at most twenty of them. */
  readonly violations: readonly string[];
  /** Messages that got to another user's device, by the second of the load. */
  readonly deliveries: readonly number[];
  /** How long messages were sent. */
  readonly loaded_s: number;
  /** From its start to its ledger. */
  readonly duration_s: number;
}

export const NOTHING_SENT: Omit<ScenarioResult, 'name' | 'title' | 'seed'> = {
  notRun: null,
  faults: [],
  sent: 0,
  acknowledged: 0,
  events: 0,
  entries: 0,
  violationCounts: { lost: 0, repeated: 0, out_of_order: 0, renumbered: 0, other: 0 },
  violations: [],
  deliveries: [],
  loaded_s: 0,
  duration_s: 0,
};

export function violationCountOf({ violationCounts }: ScenarioResult): number {
  return Object.values(violationCounts).reduce((sum, count) => sum + count, 0);
}
