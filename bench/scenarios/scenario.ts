// What a scenario is: it runs inside a loader process, knows addresses and process ids, and nothing of the profile.
import type { ProcessCpu } from '../loader/cpu-meter.ts';
import type { Figures } from '../loader/measurement.ts';
import type { MemoryGrowth } from '../loader/memory-growth.ts';
import type { Faults, Traffic } from '../loader/traffic.ts';

export interface ScenarioOptions {
  readonly seconds: number;
  readonly pairs: number;
  readonly window: number;
  readonly members: number;
  readonly payload_bytes: number;
  readonly messagesPerSecond: number;
  readonly connections: number;
}

/** One process of the server. */
export interface TargetProcess {
  /** `edge-1`, `kafka`; the same in every run. */
  readonly name: string;
  readonly pid: number;
  /** Whether clients' connections end in it. */
  readonly isEdge: boolean;
  /** Of Node's inspector, through which it is asked about its memory; null where it was not started with one. */
  readonly inspectorUrl: string | null;
}

/** Everything that a loader needs to know of the server under load. */
export interface Target {
  /** Connections are spread over all of them. */
  readonly edgeUrls: readonly string[];
  readonly apiUrl: string;
  readonly appKey: string;
  /** Every process of the server, ours and theirs. */
  readonly processes: readonly TargetProcess[];
}

export interface ScenarioContext {
  readonly target: Target;
  readonly options: ScenarioOptions;
  readonly progress: (line: string) => void;
}

/** One list of the report: messages were sent. */
export interface LoadResult {
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

/** One list of the report: connections were held. */
export interface IdleResult {
  readonly scenario: string;
  readonly load: string;
  readonly unit: 'connection';
  readonly count: number;
  readonly memory: MemoryGrowth;
  /** Opening all of them: handshake, token, registration, head. */
  readonly opening: { readonly duration_s: number; readonly processes: readonly ProcessCpu[] };
  /** Holding them, heartbeats included. */
  readonly holding: { readonly duration_s: number; readonly processes: readonly ProcessCpu[] };
}

export type ScenarioResult = LoadResult | IdleResult;

export type Scenario = (context: ScenarioContext) => Promise<readonly ScenarioResult[]>;
