// One seed: a schedule, its faults, the healing, and what the checker has to say.
import { checkClients } from './checker/check-clients.ts';
import { checkGiven } from './checker/check-given.ts';
import { checkStore } from './checker/check-store.ts';
import { ReplayedLog } from './checker/replayed-log.ts';
import { Violations } from './checker/violations.ts';
import { BIASES, type Bias } from './world/bias.ts';
import { Device } from './world/device.ts';
import { FaultPlan } from './world/fault-plan.ts';
import { CHANGES_MIN, Workload } from './world/workload.ts';
import { World } from './world/world.ts';

export interface SeedOptions {
  readonly seed: number;
  /** null: the seed draws its own. */
  readonly bias?: Bias | null;
  readonly trace?: boolean;
}

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly violationCount: number;
  readonly hash: string;
  readonly steps: number;
  readonly virtual_ms: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly branches: Readonly<Record<string, number>>;
  readonly sends: number;
  readonly changes: number;
  readonly trace: readonly string[] | null;
}

const CHAOS_MS = 16_000;
/** Late copies, late replicas and the last session time-outs come within this. */
const SETTLE_MS = 8_000;
/** Exact heads are read about every ten minutes: without any hint, that is how a client learns. */
const QUIET_MS_MAX = 25 * 60_000;
/** A log that lacks something and has not changed for so long never will. */
const STUCK_MS = 30_000;
/** State rows and heads are written this much later at most. */
const FLUSH_MS = 3_000;
/** Stages are idle when so many looks in a row find them reading and nothing else. */
const IDLE_LOOKS = 5;
const IDLE_LOOK_MS = 37;
const IDLE_LOOKS_MAX = 2_000;
const PROBE_MS = 3_000;
/** A client that lost its connection takes up to three seconds to be back. */
const ARRIVAL_MS_MAX = 5_000;
const CHECK_EVERY_MS = 250;
const FRESH_MS_MAX = 120_000;
const TOP_UPS_MAX = 150;

export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { seed } = options;
  const bias = options.bias ?? drawnBias(seed);
  const world = new World(seed, bias, options.trace ?? false);
  const run = new Seed(world, bias);
  const stop = watchRejections(world.violations);
  try {
    await run.run();
  } catch (error) {
    world.violations.add(`the simulation itself failed: ${error instanceof Error ? error.stack : error}`);
  } finally {
    stop();
  }
  const { violations, trace, scheduler, faults, observations } = world;
  return {
    seed,
    violations: violations.sentences,
    violationCount: violations.count,
    hash: trace.hash,
    steps: scheduler.steps,
    virtual_ms: scheduler.now_ms,
    faults: faults.all(),
    branches: {
      skipped_by_as_of: world.metric('fanout_skipped_as_of'),
      skipped_by_sources: world.metric('inbox_skipped_sources'),
      skipped_by_head_as_of: world.metric('inbox_skipped_head_as_of'),
      repeat: world.metric('fanout_repeats'),
      too_old: world.metric('fanout_too_old'),
      clock: world.metric('fanout_clock'),
      prefix_pull: observations.prefixPulls,
      behind: observations.behinds,
      takeover: world.metric('inbox_takeovers'),
      offset_jump_noticed: world.metric('offset_jumps'),
      out_of_turn: observations.outOfTurn,
      tables_followed: world.followed,
    },
    sends: world.devices.reduce((sum, { sent }) => sum + sent.length, 0),
    changes: run.changes,
    trace: trace.lines,
  };
}

/** Two seeds of three are not bent; one in fifty loses every hint. */
function drawnBias(seed: number): Bias | null {
  if (seed % 50 === 0) return 'silent';
  return seed % 3 === 0 ? BIASES[1 + ((seed / 3) % (BIASES.length - 1))]! : null;
}

function watchRejections(violations: Violations): () => void {
  const onRejection = (reason: unknown) => {
    violations.add(`a rejection that nobody handled: ${reason instanceof Error ? reason.stack : reason}`);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onRejection);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onRejection);
  };
}

class Seed {
  readonly #world: World;
  readonly #bias: Bias | null;
  readonly #plan: FaultPlan;
  readonly #workload: Workload;
  #replayed: { readonly length: number; readonly log: ReplayedLog; readonly violations: Violations } | null = null;

  changes = 0;

  constructor(world: World, bias: Bias | null) {
    this.#world = world;
    this.#bias = bias;
    this.#plan = new FaultPlan(world, bias);
    this.#workload = new Workload(world);
  }

  async run(): Promise<void> {
    const { scheduler, faults, roles, devices, violations } = this.#world;
    for (const role of roles) role.start();
    for (const device of devices) device.start();
    faults.enabled = true;
    this.#workload.begin(CHAOS_MS, this.#bias);
    this.#plan.begin(CHAOS_MS);
    await scheduler.run(CHAOS_MS + 500);
    await this.#topUp();
    this.#heal();
    await this.#runFor(SETTLE_MS);
    await this.#untilQuiet();
    if (violations.count === 0 && !this.#world.delivery.silent) await this.#probe();
    if (violations.count > 0) return;
    await this.#pullFresh();
    this.#check();
  }

  async #topUp(): Promise<void> {
    this.#world.log.clockOffset_ms = 0;
    for (let i = 0; i < TOP_UPS_MAX && !this.#workload.top(this.#changes()); i++) await this.#runFor(300);
  }

  /** Membership changes that were decided, by the log. */
  #changes(): number {
    let changes = 0;
    for (const { events } of this.#replay().log.conversations.values()) {
      changes += events.filter(({ type }) => type !== 'MessageSent' && type !== 'ConversationCreated').length;
    }
    return changes;
  }

  #heal(): void {
    const { faults, roles, devices, log, network } = this.#world;
    faults.enabled = false;
    log.clockOffset_ms = 0;
    for (const role of roles) role.heal();
    for (const device of devices) device.heal();
    network.unstallAll();
  }

  async #untilQuiet(): Promise<void> {
    const { scheduler, violations, roles, log } = this.#world;
    const end_ms = scheduler.now_ms + QUIET_MS_MAX;
    let length = 0;
    let unchangedSince_ms = scheduler.now_ms;
    for (let why = this.#whyNotQuiet(); why !== null; why = this.#whyNotQuiet()) {
      if (log.length !== length) {
        length = log.length;
        unchangedSince_ms = scheduler.now_ms;
      }
      // What the log itself has wrong or lacks is not waited for: nothing is under way any more.
      const isFinal = this.#replay().violations.count > 0 && scheduler.now_ms - unchangedSince_ms > STUCK_MS;
      if (isFinal || scheduler.now_ms > end_ms) {
        violations.add(`it never came to rest: ${why}`);
        this.#noteOpenCalls();
        break;
      }
      await this.#runFor(CHECK_EVERY_MS);
    }
    // Whoever was refused and never heard of it would ask again and again.
    if (this.#world.delivery.silent) for (const { process } of this.#world.devices) process?.crash();
    await this.#untilIdle();
    await this.#runFor(FLUSH_MS);
    for (const { name, started } of roles) {
      if (started?.healthy?.() === false) violations.add(`${name} has a stopped partition`);
    }
  }

  /** Repeats that piled up are worked off: they are no news to anybody, but what comes after them has to wait. */
  async #untilIdle(): Promise<void> {
    for (let looks = 0, idle = 0; looks < IDLE_LOOKS_MAX && idle < IDLE_LOOKS; looks++) {
      const labels = this.#world.roles.flatMap(({ name, process }) =>
        name.startsWith('edge') || name === 'api' ? [] : [...(process?.openCalls.keys() ?? [])],
      );
      const isIdle = this.#world.log.isRead() && labels.every((label) => label.startsWith('log.read '));
      idle = isIdle ? idle + 1 : 0;
      await this.#runFor(IDLE_LOOK_MS);
    }
  }

  /** Where nothing goes wrong nothing waits for the ten minutes after which heads are read again. */
  async #probe(): Promise<void> {
    const { violations } = this.#world;
    this.#workload.probe(PROBE_MS);
    await this.#runFor(PROBE_MS + ARRIVAL_MS_MAX);
    const why = this.#whyNotQuiet();
    if (why !== null) violations.add(`${ARRIVAL_MS_MAX} ms after the last send, without a fault: ${why}`);
    await this.#runFor(FLUSH_MS);
  }

  #whyNotQuiet(): string | null {
    const { devices, issuer, store } = this.#world;
    if (issuer.open > 0) return `${issuer.open} commands are undecided`;
    for (const device of devices) {
      const { client } = device;
      if (client?.state !== 'live') return `${device.name} is ${client?.state}`;
      const waiting = client.outbox.filter(({ payload }) => !this.#isRefusedSilently(device.user, payload));
      if (waiting.length > 0) return `the outbox of ${device.name} holds ${waiting.map(({ payload }) => payload)}`;
    }
    const { log, violations } = this.#replay();
    if (violations.count > 0) return violations.sentences[0]!;
    const epoch = store.generation?.epoch;
    for (const device of devices) {
      if (device.epoch !== epoch) return `${device.name} is in epoch ${device.epoch}, not in ${epoch}`;
      const last = log.inboxes.get(device.user)?.length ?? 0;
      if (device.inboxSeq < last) return `${device.name} stands at inboxSeq ${device.inboxSeq} of ${last}`;
    }
    return null;
  }

  /** A refusal is told by a hint and by nothing else: where all hints are lost its sender keeps asking. */
  #isRefusedSilently(user: string, payload: string): boolean {
    if (!this.#world.delivery.silent) return false;
    const decisions = this.#replay().log.sendsOf(user, payload);
    return decisions.length > 0 && decisions.every(({ outcome }) => outcome.result === 'rejected');
  }

  #noteOpenCalls(): void {
    const { roles, scheduler } = this.#world;
    for (const { process } of roles) {
      const calls = [...(process?.openCalls ?? [])].map(([label, count]) => `${count} ${label}`);
      scheduler.trace.note(scheduler.now_ms, process?.name ?? '', `open calls: ${calls.join(', ')}`);
    }
  }

  /** The log, replayed; once per length. What is wrong with it before the end is not held against anybody. */
  #replay(): { readonly log: ReplayedLog; readonly violations: Violations } {
    const { log, numberings } = this.#world;
    if (this.#replayed?.length !== log.length) {
      const violations = new Violations();
      this.#replayed = { length: log.length, log: new ReplayedLog(log, violations, numberings), violations };
    }
    return this.#replayed!;
  }

  /** New devices without any memory pull everything from zero, and read all history they may read. */
  async #pullFresh(): Promise<void> {
    const world = this.#world;
    const fresh = world.users.map((user) => new Device(world, user, `${user}-fresh`, 0, false));
    for (const device of fresh) device.start();
    const end_ms = world.scheduler.now_ms + FRESH_MS_MAX;
    while (!fresh.every(({ quiet }) => quiet) && world.scheduler.now_ms < end_ms) await this.#runFor(CHECK_EVERY_MS);
    const replayed = this.#replay().log;
    for (const device of fresh) {
      const wanted = replayed.inboxes.get(device.user)?.length ?? 0;
      const got = device.runs.at(-1)?.length ?? 0;
      if (got !== wanted) world.violations.add(`${device.name} pulled ${got} entries of ${wanted}`);
    }
    world.devices.push(...fresh);
    await this.#readHistories(fresh);
  }

  async #readHistories(fresh: readonly Device[]): Promise<void> {
    const { scheduler, issuer, observations, violations } = this.#world;
    let open = 0;
    for (const { client, user, process } of fresh) {
      for (const conversationId of issuer.groups) {
        open++;
        process?.later(scheduler.latency_ms(), 'history', () => {
          void client?.history(conversationId, { after: 0, limit: 100 }).then((result) => {
            open--;
            if (result.result !== 'events') return;
            const conversation = this.#replay().log.conversations.get(conversationId);
            const wanted = conversation?.events.filter(({ seq }) => conversation.mayRead(user, seq)).length ?? 0;
            if (result.events.length === wanted && result.status === 'end') return;
            violations.add(
              `${user} got ${result.events.length} events (${result.status}) as history of ${conversationId}, not ${wanted}`,
            );
          });
        });
      }
    }
    await scheduler.run(scheduler.now_ms + 10_000, () => open === 0);
    if (open > 0)
      violations.add(`${open} history requests were never answered (${observations.history.size} events were)`);
  }

  #check(): void {
    const { log, store, violations, devices, observations, faults, numberings } = this.#world;
    const replayed = new ReplayedLog(log, violations, numberings);
    checkStore(store, replayed, violations);
    checkClients(devices, observations, replayed, violations);
    checkGiven(devices, replayed, violations);
    if (store.uses.afterClose > 0) violations.add(`${store.uses.afterClose} uses of a set that was closed`);
    if (faults.total() < 8) violations.add(`only ${faults.total()} faults fired`);
    this.changes = this.#changes();
    if (this.changes < CHANGES_MIN) violations.add(`only ${this.changes} membership changes were decided`);
  }

  #runFor(duration_ms: number): Promise<void> {
    const { scheduler } = this.#world;
    return scheduler.run(scheduler.now_ms + duration_ms);
  }
}
