// Results as a run has them, for tests of the report.
import type { MeasuredFault } from '../../faults/fault-log.ts';
import type { FaultReport } from '../../faults/report/fault-report.ts';
import { NOTHING_SENT, type ScenarioResult } from '../../faults/scenario-result.ts';

export function fault(fields: Partial<MeasuredFault> = {}): MeasuredFault {
  const times = { from_s: 5, until_s: 7, deliveryBack_ms: 6_400, sendsBack_ms: 0 };
  return { label: 'kill -9 fanout-1', kind: 'worker', ...times, ...fields };
}

export function result(fields: Partial<ScenarioResult> = {}): ScenarioResult {
  return {
    ...NOTHING_SENT,
    ...{ name: 'kill-roles', title: 'kill -9 of everybody', seed: 1, sent: 1_200, acknowledged: 1_100 },
    faults: [fault(), fault({ from_s: 20, until_s: 23, deliveryBack_ms: 8_000 })],
    deliveries: Array.from({ length: 40 }, (_, second) => 500 + second),
    ...{ loaded_s: 40, duration_s: 80 },
    ...fields,
  };
}

export function reportOf(...results: readonly ScenarioResult[]): FaultReport {
  const conditions = { cores: 2, cpu: 'a CPU', memory_gib: 24, kernel: '6.1', node: 'v20.0.0', tcp: 'cubic' };
  const about = { date: '2026-11-21T12:00:00.000Z', seed: 7, minutes: 1, clients: 250, rate: 600, version: '0.1.0' };
  return { ...about, conditions, asked: results.length, results };
}
