// What a scenario is: it runs inside a loader process, knows addresses and process ids, and nothing of the profile.
import type { Figures } from '../loader/measurement.ts';
import type { Faults, Traffic } from '../loader/traffic.ts';

export interface ScenarioOptions {
  readonly seconds: number;
  readonly pairs: number;
  readonly window: number;
  readonly members: number;
  readonly payload_bytes: number;
  readonly messagesPerSecond: number;
}

/** Everything that a loader needs to know of the server under load. */
export interface Target {
  readonly edgeUrl: string;
  readonly apiUrl: string;
  readonly appKey: string;
  /** Every process of the server, ours and theirs. */
  readonly pids: readonly number[];
}

export interface ScenarioContext {
  readonly target: Target;
  readonly options: ScenarioOptions;
  readonly progress: (line: string) => void;
}

/** One row of the report. */
export interface ScenarioResult {
  readonly scenario: string;
  /** What was done, in words: `100 pairs, window 16`. */
  readonly load: string;
  /** What is counted: a message at its recipient, or each copy of it. */
  readonly unit: 'message' | 'copy';
  readonly count: number;
  readonly figures: Figures;
  readonly faults: Faults;
  readonly notes: Traffic['notes'];
}

export type Scenario = (context: ScenarioContext) => Promise<readonly ScenarioResult[]>;
