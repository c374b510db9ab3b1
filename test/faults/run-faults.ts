// All scenarios of a run, one after the other, on the same servers.
import { performance } from 'node:perf_hooks';
import type { RunOptions } from './run-options.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { type ScenarioResult, violationCountOf } from './scenario-result.ts';
import { FaultServers } from './servers/fault-servers.ts';

/** Besides the faults: its start, its pauses, its ledger; what the first one took is known then. */
const AROUND_S = 50;

export interface FaultRun {
  readonly scenarios: readonly Scenario[];
  readonly options: RunOptions;
  /** Broken off: what was done until then is kept. */
  readonly signal?: AbortSignal;
  /** Called with each as it comes. */
  readonly onResult?: (result: ScenarioResult) => void;
}

/** @throws LocalServerError when there are no servers; nothing is left running, however it ends */
export async function runFaults({ scenarios, options, signal, onResult }: FaultRun): Promise<ScenarioResult[]> {
  const { progress } = options;
  const startedAt = performance.now();
  const servers = await FaultServers.start(progress);
  const results: ScenarioResult[] = [];
  try {
    for (const [index, scenario] of scenarios.entries()) {
      if (signal?.aborted) break;
      const left = timeLeft(results, scenarios.length - index, options.minutes);
      progress(`${scenario.name}: scenario ${index + 1} of ${scenarios.length}, about ${left} to go`);
      const result = await runScenario(scenario, servers, options);
      results.push(result);
      progress(lineOf(result));
      onResult?.(result);
    }
  } finally {
    await servers.stop();
  }
  progress(`${results.length} scenarios in ${((performance.now() - startedAt) / 60_000).toFixed(1)} min`);
  return results;
}

function timeLeft(done: readonly ScenarioResult[], count: number, minutes: number): string {
  const ran = done.filter(({ notRun }) => notRun === null);
  const each_s =
    ran.length === 0 ? minutes * 60 + AROUND_S : ran.reduce((sum, { duration_s }) => sum + duration_s, 0) / ran.length;
  return `${Math.max(1, Math.round((each_s * count) / 60))} min`;
}

function lineOf(result: ScenarioResult): string {
  const { name, notRun, faults, acknowledged, duration_s } = result;
  if (notRun !== null) return `${name}: not run, ${notRun}`;
  const violations = violationCountOf(result);
  const wrong = violations === 0 ? 'no violation' : `${violations} VIOLATIONS: ${result.violations[0]}`;
  return `${name}: ${acknowledged.toLocaleString('en')} acknowledged, ${faults.length} faults, ${wrong}; ${duration_s.toFixed(0)} s`;
}
