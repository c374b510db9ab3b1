// Which faults there are, how likely each is in this seed, and how often each fired.
import type { Random } from './random.ts';

export const FAULTS = {
  crash: 'a process dies between two awaits and starts again',
  pause: 'a process stops past its session timeout and goes on believing',
  handler_aborted: 'a port call throws what nobody expects',
  double_owner: 'a partition has two owners at once',
  rebalance: 'partitions move between healthy members',
  append_refused: 'an append is refused',
  append_unknown_lost: 'an append has an unknown outcome and was not written',
  append_unknown_written: 'an append has an unknown outcome and was written',
  append_written_twice: 'an append is written again, perhaps after later ones',
  append_partial: 'an append reaches some of its partitions',
  offset_jump: 'a subscription silently jumps ahead',
  store_one_replica: 'a write times out after reaching one replica of three',
  store_applied_unknown: 'a write times out after it was applied',
  store_not_applied: 'a write times out and was not applied',
  store_late_replica: 'a replica gets a write late, or never',
  store_read_failed: 'a read times out',
  store_read_split: 'a read finds its second replica later than its first',
  tables_switched: 'another set of tables is put in force while everyone works on the last one',
  inboxes_renumbered: 'that set has its entries in another order, and another epoch',
  registry_wiped: 'the registry loses everything',
  registry_failed: 'a call of the registry fails',
  hint_lost: 'a delivery vanishes',
  hint_failed: 'a delivery fails, its caller knows',
  stream_trimmed: 'a delivery stream is trimmed, its reader is told of a gap',
  stream_lost: 'a delivery stream vanishes',
  connection_broken: 'a connection breaks, frames in flight are lost',
  socket_slow: 'a socket takes nothing for a while',
  client_restarted: 'a client loses everything but what it keeps on its device',
  log_clock_step: 'the clock of the log steps',
  process_clock_wrong: 'the clock of a process is off by up to an hour',
} as const;
export type FaultName = keyof typeof FAULTS;

export class Faults {
  readonly #random: Random;
  readonly #rates = new Map<FaultName, number>();
  readonly #fired = new Map<FaultName, number>();
  /** Faults happen only while true: after healing there are none. */
  enabled = false;

  constructor(random: Random) {
    this.#random = random;
  }

  setRate(name: FaultName, probability: number): void {
    this.#rates.set(name, probability);
  }

  rate(name: FaultName): number {
    return this.#rates.get(name) ?? 0;
  }

  /** Whether this fault strikes here. Does not count it: the caller does when it took effect. */
  strikes(name: FaultName): boolean {
    return this.enabled && this.#random.chance(this.#rates.get(name) ?? 0);
  }

  count(name: FaultName): void {
    this.#fired.set(name, (this.#fired.get(name) ?? 0) + 1);
  }

  fired(name: FaultName): number {
    return this.#fired.get(name) ?? 0;
  }

  total(): number {
    return [...this.#fired.values()].reduce((sum, count) => sum + count, 0);
  }

  all(): Record<string, number> {
    return Object.fromEntries((Object.keys(FAULTS) as FaultName[]).map((name) => [name, this.fired(name)]));
  }
}
