// What the import runs for itself and sends to: one server, or a cluster. With --url there is none.

/** What --chaos kills, in this order. */
export interface Victim {
  /** Of the processes whose part this is, the busiest one is killed. */
  readonly part: string;
  /** Of the import's steps, when it is killed: 0 to 1. */
  readonly share: number;
}

export interface TargetProcess {
  /** server, fanout-1, kafka, … */
  readonly name: string;
  readonly part: string;
  /** null: there is none at the moment, or it is not ours to look at. */
  readonly pid: number | null;
}

export interface ImportTarget {
  /** Of the HTTP api. */
  readonly url: string;
  readonly victims: readonly Victim[];
  processes(): readonly TargetProcess[];
  /** kill -9; resolves when it was started again and is ready. @throws ImportFailed when that takes too long */
  kill(name: string): Promise<void>;
  /** Ends it. `isGood`: nothing went wrong that its logs could explain. */
  stop(isGood: boolean): Promise<void>;
}
