// What a server needs to be started: its files are written, its ports are chosen.
export type Prepared = {
  /** host:port, for clients. */
  readonly address: string;
  readonly ports: readonly number[];
  readonly executable: string;
  readonly args: readonly string[];
  /** How long it may take to answer: several times what it takes on two busy cores. */
  readonly ready_ms_max: number;
};
