// The stage of a scenario: its installation, its time and its chance.
import { setTimeout as pause } from 'node:timers/promises';
import type { LocalServer } from '../../infra/local/servers.ts';
import { waitUntil } from '../cluster/ledger/index.ts';
import type { Random } from '../simulation/kernel/random.ts';
import type { FaultLog } from './fault-log.ts';
import type { Installation } from './installation.ts';
import { untilSteady } from './load/until-steady.ts';
import type { FaultKind, Stage } from './scenario.ts';
import type { FaultServers } from './servers/fault-servers.ts';

export interface StageOptions {
  /** Of faults. */
  readonly window_ms: number;
  readonly random: Random;
  readonly onFailure: (sentence: string) => void;
}

/** A stopped server takes half a minute to start, its clients up to twenty seconds to look again. */
const RECOVERED_MS_MAX = 120_000;
/** So that what is late after the next fault is late because of it. On a machine that is too slow it would never be so. */
const STEADY_MS = 1_000;
const STEADY_MS_MAX = 15_000;

export class RunningStage implements Stage {
  readonly window_ms: number;
  readonly cassandra: LocalServer;
  readonly redis: LocalServer;
  readonly #installation: Installation;
  readonly #faults: FaultLog;
  readonly #options: StageOptions;
  readonly #endsAt: number;

  /** The time of faults begins. */
  constructor(installation: Installation, servers: FaultServers, faults: FaultLog, options: StageOptions) {
    this.#installation = installation;
    this.#faults = faults;
    this.#options = options;
    this.window_ms = options.window_ms;
    this.cassandra = servers.cassandra;
    this.redis = servers.redis;
    this.#endsAt = performance.now() + options.window_ms;
  }

  get cluster() {
    return this.#installation.cluster;
  }

  get load() {
    return this.#installation.load;
  }

  get brokers() {
    return this.#installation.brokers;
  }

  get proxies() {
    return this.#installation.links.byServer;
  }

  get idle() {
    return this.#installation.idle;
  }

  random(): number {
    return this.#options.random.next();
  }

  isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  async sleep(duration_ms: number): Promise<void> {
    await pause(duration_ms);
  }

  async ready(): Promise<void> {
    await this.cluster.whenReady(RECOVERED_MS_MAX);
  }

  async recovered(): Promise<void> {
    const moment = performance.now();
    await this.ready();
    const { latecomers } = this.load;
    const left_ms = moment + RECOVERED_MS_MAX - performance.now();
    await waitUntil('what was sent before arrives', () => latecomers.hasCaughtUp(moment), left_ms);
    await untilSteady(latecomers, STEADY_MS, STEADY_MS_MAX);
  }

  async readLog(): Promise<void> {
    await this.#installation.log.readOn();
  }

  fault<T>(label: string, kind: FaultKind, inject: () => Promise<T>): Promise<T> {
    return this.#faults.during(label, kind, inject);
  }

  fail(sentence: string): void {
    this.#options.onFailure(sentence);
  }
}
