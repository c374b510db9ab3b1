// What is the same for all scenarios of a run.

export interface RunOptions {
  /** Same seed, same faults in the same order; how many of them fit into the time depends on the machine. */
  readonly seed: number;
  /** Of faults, for each scenario. */
  readonly minutes: number;
  /** Devices of the load. */
  readonly clients: number;
  /** Messages a second, over all of them. */
  readonly rate: number;
  /** How long it is waited, at most, for messages to flow before the first fault. */
  readonly steady_ms_max?: number;
  /** Another build than the project's. */
  readonly mainFile?: string;
  /** Told, a line each, what takes its time. */
  readonly progress: (line: string) => void;
}
