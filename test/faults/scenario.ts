// What a fault scenario is: who does what to which process, and what the harness gives it to do it with.
import type { Cluster } from '../../infra/local/cluster/index.ts';
import type { LocalServer } from '../../infra/local/servers.ts';
import type { Role } from '../../services/profiles/roles.ts';
import type { ReadRecord } from '../cluster/ledger/index.ts';
import type { Brokers, BrokersKind } from './brokers/brokers.ts';
import type { FaultLoad } from './load/fault-load.ts';
import type { IdleClients } from './load/idle-clients.ts';
import type { Link } from './servers/links.ts';

export interface Scenario {
  /** As `--scenario` names it. */
  readonly name: string;
  /** One line of the report: what is done to what. */
  readonly title: string;
  /** What its installation has that others have not. */
  readonly setting?: Setting;
  /** Injects faults, one at a time, until `stage.isOver()`; the last one is healed when it resolves. */
  inject(stage: Stage): Promise<void>;
}

export interface Setting {
  readonly roles?: Partial<Record<Role, number>>;
  /** `namespaces`: each broker has an address, and can be cut off from the others; `small-disk`: one writes to a tmpfs. */
  readonly brokers?: BrokersKind;
  /** Servers that the roles reach through a proxy. */
  readonly proxies?: readonly ServerName[];
  /** Connections besides the load's, which only hold their session. */
  readonly idleSockets?: number;
  /** For builds that write records which the code of this process does not know. */
  readonly readRecord?: ReadRecord;
}

export type ServerName = 'kafka' | 'cassandra' | 'redis';

/** What a fault is measured by: `worker` delivery back within 15 s, `leader` sends back within 10 s, others by the ledger. */
export type FaultKind = 'worker' | 'leader' | 'other';

export interface Stage {
  readonly cluster: Cluster;
  readonly load: FaultLoad;
  readonly brokers: Brokers;
  /** Shared by all scenarios of a run: what is stopped is started again. */
  readonly cassandra: LocalServer;
  readonly redis: LocalServer;
  /** Those of the setting. */
  readonly proxies: Readonly<Partial<Record<ServerName, Link>>>;
  /** Those of the setting; null: none. */
  readonly idle: IdleClients | null;
  /** How long there are faults in this run. */
  readonly window_ms: number;
  /** Seeded: 0 <= x < 1. */
  random(): number;
  /** No time is left for another fault. */
  isOver(): boolean;
  sleep(duration_ms: number): Promise<void>;
  /** Every process that is not stopped for good is ready. @throws Error when they are not in two minutes */
  ready(): Promise<void>;
  /** Every process is ready, whatever was sent until now has arrived, and messages flow. @throws Error after two minutes */
  recovered(): Promise<void>;
  /** The ledger reads all topics up to here: before records are cut off. @throws KafkaUnavailableError */
  readLog(): Promise<void>;
  /** Does it, and marks it in the report from its beginning to its end (healed: when `inject` resolves). */
  fault<T>(label: string, kind: FaultKind, inject: () => Promise<T>): Promise<T>;
  /** Something that the ledger does not see is not as it has to be: a violation in the report. */
  fail(sentence: string): void;
}
