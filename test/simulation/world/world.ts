// One deployment in one seed: real stages, sessions and clients over simulated ports.
import { createLogger, type Logger, silentLogger } from '../../../services/kernel/logger.ts';
import type { MetricName, Metrics } from '../../../services/kernel/metrics.ts';
import type { Runtime } from '../../../services/kernel/runtime.ts';
import { Numberings } from '../checker/numberings.ts';
import { Violations } from '../checker/violations.ts';
import { Faults } from '../kernel/faults.ts';
import { Random } from '../kernel/random.ts';
import { Scheduler } from '../kernel/scheduler.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import { Trace } from '../kernel/trace.ts';
import { SimulatedDelivery } from '../ports/simulated-delivery.ts';
import { SimulatedLog } from '../ports/simulated-log.ts';
import { SimulatedNetwork } from '../ports/simulated-network.ts';
import { SimulatedRegistry } from '../ports/simulated-registry.ts';
import { SimulatedStore } from '../ports/simulated-store.ts';
import type { Bias } from './bias.ts';
import { Device } from './device.ts';
import { Issuer } from './issuer.ts';
import { Observations } from './observations.ts';
import { Role, type StartRole } from './role.ts';
import { apiRole, EPOCH, edgeRole, fanoutRole, inboxRole } from './roles.ts';

const HOUR_MS = 3_600_000;
const NAMES = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gil', 'hal'];

export interface WorldSettings {
  readonly slice_records_max: number;
  readonly slice_copies_max: number;
  readonly flush_interval_ms: number;
  readonly cached_max: number;
}

export class World {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly violations = new Violations();
  readonly times: { readonly session_ms: number; readonly revoke_ms_max: number };
  readonly settings: WorldSettings;
  readonly log: SimulatedLog;
  readonly store: SimulatedStore;
  readonly registry: SimulatedRegistry;
  readonly delivery: SimulatedDelivery;
  readonly network: SimulatedNetwork;
  readonly observations: Observations;
  readonly issuer: Issuer;
  readonly users: readonly string[];
  readonly roles: Role[] = [];
  readonly devices: Device[] = [];
  readonly metrics: Metrics[] = [];
  readonly edgeUrls: readonly string[];
  readonly numberings = new Numberings(EPOCH);
  /** How often a process went on with another set of tables. */
  followed = 0;
  /** Of nobody: the time as it is. */
  readonly runtime: Runtime;

  constructor(seed: number, bias: Bias | null, keepTrace: boolean) {
    const random = new Random(seed);
    this.trace = new Trace(keepTrace);
    this.scheduler = new Scheduler(random, this.trace);
    this.faults = new Faults(random);
    this.times = {
      session_ms: 2_000,
      revoke_ms_max: bias === 'double_owners' || bias === 'torn_reads' ? 6_000 : 2_000,
    };
    this.settings = {
      slice_records_max: random.pick([1, 2, 4, 8, 1_000]),
      slice_copies_max: random.pick([2, 6, 20, 10_000]),
      flush_interval_ms: random.pick([50, 200, 1_000]),
      cached_max: random.pick([1, 3, 1_000]),
    };
    const layout = { generation: 1, partitions: { messages: 3, timeline: 2, inbox: 2 } };
    this.log = new SimulatedLog(layout, this.scheduler, this.faults, this.times);
    this.store = new SimulatedStore(this.scheduler, this.faults);
    this.store.createGeneration({ ...layout, tables: 0, epoch: EPOCH });
    this.registry = new SimulatedRegistry(this.faults);
    this.delivery = new SimulatedDelivery(this.scheduler, this.faults);
    this.observations = new Observations(this.log, this.violations);
    this.network = new SimulatedNetwork(this.scheduler, this.faults, this.observations);
    this.issuer = new Issuer(this);
    this.runtime = new SimProcess('nobody', this.scheduler, this.faults).runtime;
    this.users = NAMES.slice(0, 6 + random.below(3));
    this.edgeUrls = ['ws://edge-1', 'ws://edge-2'];
    this.delivery.silent = bias === 'silent';
    this.#addRoles(bias);
    this.#addDevices();
  }

  /** Sum of a counter over all processes that ever ran. */
  metric(name: MetricName): number {
    return this.metrics.reduce((sum, metrics) => sum + metrics.get(name), 0);
  }

  loggerOf(process: SimProcess): Logger {
    const { lines } = this.trace;
    if (lines === null) return silentLogger;
    const write = (line: string) => this.trace.note(this.scheduler.now_ms, process.name, line.trimEnd());
    return createLogger('debug', () => process.runtime.now(), write);
  }

  /** Users who may be members of a group: what the workload believes, not what is true. */
  get roster(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.issuer.roster;
  }

  ownerOf(conversationId: string): string {
    return this.issuer.creatorOf(conversationId);
  }

  #addRoles(bias: Bias | null): void {
    const { random } = this.scheduler;
    const add = (name: string, start: StartRole, abortable: boolean, steady = false) => {
      const wrong = !steady && random.chance(bias === 'clocks' ? 0.3 : 0.06);
      const skew_ms = wrong ? random.between(-HOUR_MS, HOUR_MS) : random.between(-2_000, 2_000);
      if (wrong) this.faults.count('process_clock_wrong');
      this.roles.push(new Role(this, name, start, Math.floor(skew_ms), abortable));
    };
    const count = () => 2 + random.below(2);
    for (let i = count(); i >= 1; i--) add(`fanout-${i}`, fanoutRole, true);
    for (let i = count(); i >= 1; i--) add(`inbox-${i}`, inboxRole, true);
    for (let i = 1; i <= 2; i++) add(`edge-${i}`, edgeRole, false);
    add('api', apiRole, false, true);
  }

  #addDevices(): void {
    const { random } = this.scheduler;
    for (const [index, user] of this.users.entries()) {
      const names = index < 2 ? [`${user}-1`, `${user}-2`] : [`${user}-1`];
      for (const name of names) {
        const skew_ms = random.chance(0.3) ? random.between(-HOUR_MS, HOUR_MS) : 0;
        this.devices.push(new Device(this, user, name, Math.floor(skew_ms), true));
      }
    }
  }
}
