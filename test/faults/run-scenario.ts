// One scenario, from an empty installation to its ledger:
//
//   start ─▶ messages flow ─▶ faults, by the seed ─▶ healed ─▶ caught up ─▶ pause ─▶ settled ─▶ ledger ─▶ removed
//
// Whatever goes wrong on the way is a violation of it, and the ledger is read all the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLedger } from '../cluster/ledger/index.ts';
import { Violations } from '../simulation/checker/violations.ts';
import { NotOnThisMachineError } from './brokers/brokers.ts';
import { FaultLog } from './fault-log.ts';
import { randomOf } from './fault-random.ts';
import { Installation } from './installation.ts';
import { untilSteady } from './load/until-steady.ts';
import type { RunOptions } from './run-options.ts';
import type { Scenario } from './scenario.ts';
import { NOTHING_SENT, type ScenarioResult } from './scenario-result.ts';
import type { FaultServers } from './servers/fault-servers.ts';
import { RunningStage } from './stage.ts';

/** Messages flow before the first fault, and after the last one is healed. */
const STEADY_MS = 4_000;
/** Servers that have just started compile their own code first, and are slow until then. */
const STEADY_MS_MAX = 60_000;
/** On a machine that is busy with everything. */
const READY_MS_MAX = 120_000;
/** An SDK that was refused for long asks again after a minute at most; then everything is pulled and decided. */
const SETTLED_MS_MAX = 150_000;

/** Rejects only when the servers of the run are not to be had. */
export function runScenario(scenario: Scenario, servers: FaultServers, options: RunOptions): Promise<ScenarioResult> {
  return new ScenarioRun(scenario, servers, options).run();
}

class ScenarioRun {
  readonly #scenario: Scenario;
  readonly #servers: FaultServers;
  readonly #options: RunOptions;
  readonly #violations = new Violations();
  readonly #faults = new FaultLog();
  readonly #startedAt = performance.now();

  constructor(scenario: Scenario, servers: FaultServers, options: RunOptions) {
    this.#scenario = scenario;
    this.#servers = servers;
    this.#options = options;
  }

  async run(): Promise<ScenarioResult> {
    let installation: Installation;
    try {
      installation = await this.#start();
    } catch (error) {
      if (error instanceof NotOnThisMachineError) return this.#result({ notRun: error.message });
      this.#violations.add(`it did not start: ${messageOf(error)}`);
      await this.#servers.endBrokers();
      return this.#result({});
    }
    const { load, brokers, cluster } = installation;
    const loadedAt = load.deliveries.startedAt;
    await this.#step('it was broken off', () => this.#inject(installation));
    const endedAt = performance.now();
    load.pause();
    const { seconds: deliveries } = load.deliveries;
    await this.#step('it did not come to rest', () => this.#rest(installation));
    const counted = await this.#step('its ledger could not be read', () => this.#close(installation));
    if (this.#faults.count === 0) this.#violations.add('no fault was injected');
    if (!counted?.acknowledged) this.#violations.add('nothing was acknowledged');
    const isClean = this.#violations.count === 0;
    if (!isClean) this.#say(`${this.#violations.count} violations; the logs of the roles are in ${cluster.logFolder}`);
    const faults = this.#faults.measure(load.latecomers, loadedAt, endedAt);
    const result = this.#result({ ...counted, faults, deliveries, loaded_s: (endedAt - loadedAt) / 1_000 });
    await installation.remove(!isClean);
    // Brokers that a scenario left broken are no beginning for the next one.
    if (!isClean || brokers.nodes.some((broker) => !broker.isRunning())) await this.#servers.endBrokers();
    return result;
  }

  #start(): Promise<Installation> {
    const { clients, rate, mainFile } = this.#options;
    return Installation.start(this.#servers, {
      ...{ setting: this.#scenario.setting ?? {}, clients, rate },
      ...(mainFile === undefined ? {} : { mainFile }),
      onFailure: (sentence) => this.#violations.add(sentence),
    });
  }

  async #inject(installation: Installation): Promise<void> {
    const { latecomers } = installation.load;
    const { seed, minutes, steady_ms_max = STEADY_MS_MAX } = this.#options;
    this.#say('everybody is connected');
    if (!(await untilSteady(latecomers, STEADY_MS, steady_ms_max)))
      this.#say('messages are late without a fault: the rate is too high for this machine');
    const stage = new RunningStage(installation, this.#servers, this.#faults, {
      window_ms: minutes * 60_000,
      random: randomOf(seed, this.#scenario.name),
      onFailure: (sentence) => this.#violations.add(sentence),
    });
    this.#say(`faults for ${(minutes * 60).toFixed(0)} s`);
    await this.#scenario.inject(stage);
    this.#say(`healed, after ${this.#faults.count} faults`);
    await stage.recovered();
    await sleep(STEADY_MS);
  }

  async #rest({ cluster, load }: Installation): Promise<void> {
    await cluster.whenReady(READY_MS_MAX);
    await load.settled(SETTLED_MS_MAX);
  }

  async #close({ load, log }: Installation) {
    this.#say('at rest; everybody pulls from zero');
    const { sent, acknowledged, events, entries, ...found } = await checkLedger(load, log);
    this.#violations.addAll({ sentences: found.violations, counts: found.violationCounts });
    return { sent, acknowledged, events, entries };
  }

  /** What it rejects with is a violation, and no reason to stop. */
  async #step<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#violations.add(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  }

  #result(found: Partial<ScenarioResult>): ScenarioResult {
    const { name, title } = this.#scenario;
    const { sentences, counts } = this.#violations;
    return {
      ...NOTHING_SENT,
      ...{ name, title, seed: this.#options.seed },
      ...found,
      ...{ violations: sentences, violationCounts: counts },
      duration_s: this.#seconds(),
    };
  }

  #say(text: string): void {
    this.#options.progress(`${this.#scenario.name}, ${this.#seconds().toFixed(0)} s: ${text}`);
  }

  #seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
