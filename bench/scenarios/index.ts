import { group } from './group.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import type { Scenario } from './scenario.ts';
import { throughput } from './throughput.ts';

export const scenarios = { throughput, latency, group, idle } as const satisfies Record<string, Scenario>;
export type ScenarioName = keyof typeof scenarios;

export function isScenarioName(name: string): name is ScenarioName {
  return Object.hasOwn(scenarios, name);
}
