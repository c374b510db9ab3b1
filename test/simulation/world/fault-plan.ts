// What goes wrong in a seed, and when: some faults have a moment, others a probability at every call.
import type { FaultName } from '../kernel/faults.ts';
import { WORLD } from '../kernel/scheduler.ts';
import { copyTablesInForce, renumberInboxes } from '../ports/rebuilt-set.ts';
import type { Bias } from './bias.ts';
import type { Role } from './role.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;

/** Per call, in seeds that have the fault at all. */
const RATES: readonly (readonly [FaultName, number])[] = [
  ['handler_aborted', 0.01],
  ['append_refused', 0.05],
  ['append_unknown_lost', 0.05],
  ['append_unknown_written', 0.06],
  ['append_written_twice', 0.08],
  ['append_partial', 0.08],
  ['offset_jump', 0.03],
  ['store_one_replica', 0.03],
  ['store_applied_unknown', 0.03],
  ['store_not_applied', 0.02],
  ['store_late_replica', 0.2],
  ['store_read_failed', 0.02],
  ['store_read_split', 0.3],
  ['registry_failed', 0.05],
  ['hint_lost', 0.1],
  ['hint_failed', 0.05],
];

type Moment =
  | 'crash'
  | 'pause'
  | 'rebalance'
  | 'replace'
  | 'wipe'
  | 'trim'
  | 'lose'
  | 'break'
  | 'slow'
  | 'client'
  | 'switch'
  | 'clock';

/** How likely each is among the faults that have a moment. */
const MOMENTS: readonly (readonly [Moment, number])[] = [
  ['crash', 5],
  ['pause', 4],
  ['rebalance', 3],
  ['replace', 1],
  ['wipe', 1],
  ['trim', 1],
  ['lose', 1],
  ['break', 4],
  ['slow', 2],
  ['client', 2],
  ['switch', 1.5],
  ['clock', 0.6],
];

const FAVOURED: { readonly [B in Bias]: { readonly moments: readonly Moment[]; readonly rates: readonly string[] } } = {
  silent: { moments: [], rates: [] },
  crashes: { moments: ['crash'], rates: [] },
  double_owners: { moments: ['pause', 'rebalance'], rates: ['store_late'] },
  torn_reads: { moments: ['pause', 'rebalance'], rates: ['store_late', 'store_read_split'] },
  appends: { moments: ['crash'], rates: ['append'] },
  store: { moments: ['crash', 'rebalance'], rates: ['store'] },
  resends: { moments: ['break', 'client'], rates: ['append_unknown', 'append_refused', 'hint'] },
  clocks: { moments: ['clock', 'break'], rates: ['append_written_twice'] },
  jumps: { moments: ['rebalance'], rates: ['offset_jump'] },
  aborts: { moments: ['rebalance'], rates: ['handler_aborted'] },
  switches: { moments: ['switch'], rates: [] },
};

export class FaultPlan {
  readonly #world: World;
  readonly #bias: Bias | null;
  #isSwitching = false;

  constructor(world: World, bias: Bias | null) {
    this.#world = world;
    this.#bias = bias;
  }

  /** Draws the seed's probabilities, and schedules what has a moment between now and `duration_ms`. */
  begin(duration_ms: number): void {
    const { random } = this.#world.scheduler;
    const favoured = this.#bias === null ? null : FAVOURED[this.#bias];
    for (const [name, rate] of RATES) {
      const favours = favoured?.rates.some((prefix) => name.startsWith(prefix)) ?? false;
      if (favours) this.#world.faults.setRate(name, rate * random.between(1, 3));
      else if (random.chance(0.45)) this.#world.faults.setRate(name, rate * random.between(0.2, 1.2));
    }
    const count = 9 + random.below(8);
    for (let i = 0; i < count; i++) {
      const favours = favoured !== null && favoured.moments.length > 0 && random.chance(0.6);
      const moment = favours ? random.pick(favoured.moments) : this.#drawMoment();
      this.#world.scheduler.schedule(random.between(500, duration_ms), WORLD, `fault.${moment}`, () =>
        this.#strike(moment),
      );
    }
  }

  #drawMoment(): Moment {
    const { random } = this.#world.scheduler;
    const total = MOMENTS.reduce((sum, [, weight]) => sum + weight, 0);
    let x = random.next() * total;
    for (const [moment, weight] of MOMENTS) {
      x -= weight;
      if (x < 0) return moment;
    }
    return 'crash';
  }

  #strike(moment: Moment): void {
    const { scheduler, faults, log, network, delivery, registry } = this.#world;
    const { random } = scheduler;
    if (!faults.enabled) return;
    switch (moment) {
      case 'crash':
        this.#crash(random.pick(this.#world.roles));
        break;
      case 'pause':
        this.#pause(random.pick(this.#world.roles));
        break;
      case 'rebalance':
        faults.count('rebalance');
        log.rebalance(0.5);
        break;
      case 'replace':
        void random.pick(this.#world.roles).replace();
        break;
      case 'wipe':
        faults.count('registry_wiped');
        registry.wipe();
        break;
      case 'trim':
        if (delivery.trimOne()) faults.count('stream_trimmed');
        break;
      case 'lose':
        if (delivery.loseOne()) faults.count('stream_lost');
        break;
      case 'break':
        if (network.breakOne()) faults.count('connection_broken');
        break;
      case 'slow':
        network.slowOne(random.between(500, 6_000));
        break;
      case 'client':
        faults.count('client_restarted');
        random.pick(this.#world.devices).crash(random.between(50, 3_000));
        break;
      case 'switch':
        this.#switchTables();
        break;
      case 'clock': {
        faults.count('log_clock_step');
        const step = random.chance(0.5) ? random.between(0.5, 5) : random.between(5, 60);
        log.clockOffset_ms = (random.chance(0.5) ? step : -step) * MINUTE_MS;
        if (random.chance(0.6)) {
          scheduler.schedule(random.between(500, 6_000), WORLD, 'fault.clock_back', () => {
            log.clockOffset_ms = 0;
          });
        }
      }
    }
  }

  /** To a set that is somewhat behind, as one that was rebuilt is. */
  #switchTables(): void {
    if (this.#isSwitching) return;
    const { scheduler, faults, store, log, numberings, violations } = this.#world;
    const { random } = scheduler;
    this.#isSwitching = true;
    const tables = copyTablesInForce(store);
    const { epoch: epochNow } = store.generation!;
    const epoch = random.chance(0.5) ? epochNow : epochNow + 1;
    const beginnings = epoch === epochNow ? null : renumberInboxes(store, log, tables, violations);
    scheduler.schedule(random.between(1, random.chance(0.5) ? 500 : 4_000), WORLD, 'fault.switch', () => {
      this.#isSwitching = false;
      if (!faults.enabled) return;
      if (!store.switchTables({ tables, epoch })) throw new Error(`set ${tables} could not be put in force`);
      faults.count('tables_switched');
      if (beginnings === null) return;
      faults.count('inboxes_renumbered');
      numberings.begin(epoch, beginnings);
    });
  }

  /** Not at a moment but at an await: one of its next calls, before it, after it took effect, or after its answer. */
  #crash(role: Role): void {
    const { random } = this.#world.scheduler;
    this.#doom(role, () => {
      if (role.state === 'dead') return;
      this.#world.faults.count('crash');
      role.crash(random.between(20, random.chance(0.7) ? 500 : 4_000));
    });
  }

  #pause(role: Role): void {
    const { random } = this.#world.scheduler;
    const { session_ms } = this.#world.times;
    this.#doom(role, () => {
      if (role.state !== 'running') return;
      this.#world.faults.count('pause');
      role.pause(session_ms * random.between(0.5, 3));
    });
  }

  #doom(role: Role, strike: () => void): void {
    const { random } = this.#world.scheduler;
    const { process } = role;
    if (process === null) return;
    const strikeNow = () => {
      if (role.process === process && this.#world.faults.enabled) strike();
    };
    if (random.chance(0.15)) strikeNow();
    else process.doom(1 + random.below(8), random.pick(['before', 'applied', 'answered'] as const), strikeNow);
  }
}
