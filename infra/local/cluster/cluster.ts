// What a cluster on this machine is asked for, and what can be done with it.
import type { Role } from '../../../services/profiles/roles.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { FirstPorts } from './port-plan.ts';
import type { Reaper } from './reaper.ts';
import type { RoleProgram } from './role-program.ts';
import type { ProcessState } from './supervised-process.ts';

export type ClusterOptions = {
  /** How many of each; one api, two of the others by default. */
  readonly roles?: Partial<Record<Role, number>>;
  /** What roles and servers inherit; process.env by default. FANLOG_SECRET holds, where it is set. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told, a line each, what takes its time. */
  readonly progress?: (line: string) => void;
  readonly onEvent?: (event: ClusterEvent) => void;
  /** Where each series of ports begins; free ones without. */
  readonly ports?: FirstPorts;
  /** Servers that run; without them, FANLOG_KAFKA, … of `env`, else new ones, which end with the cluster. */
  readonly servers?: ServerAddresses;
  /** Keeps the data of new servers between clusters; they start empty without it. One cluster at a time. */
  readonly dataFolder?: string;
  /** A file for every process: <name>.log, and create.log. */
  readonly logFolder: string;
  readonly keyspace?: string;
  /** Before the names of topics and Redis keys: for several clusters on the same servers. */
  readonly prefix?: string;
  /** Of every role's node. */
  readonly nodeArguments?: readonly string[];
  /** false: what ended by itself stays away. */
  readonly restart?: boolean;
  /** The built dist/main.js, by default the project's. */
  readonly mainFile?: string;
  /** Breaks the start off: it rejects as soon as what it waits for is there, or not. */
  readonly signal?: AbortSignal;
  /** Looks after the roles should we be killed; one of its own by default. Closed with the cluster. */
  readonly reaper?: Reaper;
  /** How long the roles may take. */
  readonly ready_ms_max?: number;
};

/** `host:port`, several separated by commas. */
export type ServerAddresses = { readonly kafka: string; readonly cassandra: string; readonly redis: string };

export type RoleStatus = RoleProgram & {
  readonly pid: number | null;
  readonly state: ProcessState;
  readonly restarts: number;
};

export type ServerStatus = {
  readonly name: string;
  readonly address: string;
  /** null: not ours, or gone at the moment. */
  readonly pid: number | null;
  readonly log: string | null;
  /** null: not ours to look after. */
  readonly state: ProcessState | null;
  readonly restarts: number;
};

export type Cluster = ServerAddresses & {
  /** Of the first api. */
  readonly apiUrl: string;
  /** Of the edges that are not stopped. */
  readonly edgeUrls: readonly string[];
  readonly keyspace: string;
  readonly prefix: string;
  readonly secret: string;
  readonly logFolder: string;
  /** In the order of their start; stopped ones too. */
  processes(): readonly RoleStatus[];
  servers(): readonly ServerStatus[];
  /** One more; resolves with its name when it is ready. After an edge the apis are started again, one by one, to name it. */
  add(role: Role): Promise<string>;
  /** Drains and ends it for good. An edge stays among the addresses that clients get until an api is started again. */
  stopRole(name: string): Promise<void>;
  /** Drains it and starts it from another built main.js, as in an upgrade; resolves when it is ready, or stopped. */
  restartFrom(name: string, mainFile: string): Promise<void>;
  /** As from outside, so that it is started again. Throws ClusterError if there is no such process at the moment. */
  kill(name: string, signal: NodeJS.Signals): void;
  /** Resolves when all that are not stopped are ready; rejects with ClusterError when they are not within `wait_ms`. */
  whenReady(wait_ms?: number): Promise<void>;
  /** Returns what takes the listener off again. */
  onEvent(listener: (event: ClusterEvent) => void): () => void;
  /** Ends everything that was started; api and edges first, then fanout, inbox, servers. */
  stop(): Promise<void>;
};
