// What people do in a seed: they send, in bursts, while groups change under them; some send where they are not members.
import { directConversationId } from '../../../services/events/ids.ts';
import { WORLD } from '../kernel/scheduler.ts';
import type { Bias } from './bias.ts';
import type { World } from './world.ts';

export const SENDS_MIN = 60;
export const CHANGES_MIN = 10;

export class Workload {
  readonly #world: World;
  readonly #directs: string[] = [];
  sends = 0;
  #changesTried = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Schedules all of it between now and `duration_ms`. */
  begin(duration_ms: number, bias: Bias | null): void {
    const { scheduler, users } = this.#world;
    const { random } = scheduler;
    for (let i = 0; i < 3; i++) {
      scheduler.schedule(random.between(300, 1_500), WORLD, 'work.create', () => this.#create());
    }
    this.#directs.push(directConversationId(users[0]!, users[1]!), directConversationId(users[2]!, users[3]!));
    if (random.chance(0.2)) this.#directs.push(directConversationId(users[4]!, users[4]!));
    let planned = 0;
    while (planned < SENDS_MIN + 8) {
      const burst = random.chance(0.7) ? 1 + random.below(2) : 3 + random.below(5);
      const at = random.between(1_200, duration_ms);
      for (let i = 0; i < burst; i++) {
        scheduler.schedule(at + (i * random.below(40)) / 4, WORLD, 'work.send', () => this.#send());
      }
      planned += burst;
    }
    const changes = bias === 'torn_reads' ? 60 : 16;
    for (let i = 0; i < changes; i++) {
      scheduler.schedule(random.between(1_800, duration_ms), WORLD, 'work.change', () => this.#change());
    }
    for (let i = 0; i < 6; i++) {
      scheduler.schedule(random.between(2_000, duration_ms), WORLD, 'work.history', () => this.#readHistory());
    }
  }

  /** A few more sends, to see how soon they arrive where nothing goes wrong. */
  probe(duration_ms: number): void {
    const { scheduler, devices } = this.#world;
    const { random } = scheduler;
    for (let i = 0; i < 10; i++) {
      scheduler.schedule(random.between(0, duration_ms), WORLD, 'work.send', () => this.#send());
    }
    for (let i = 0; i < 5; i++) {
      scheduler.schedule(random.between(0, duration_ms), WORLD, 'work.restart', () => {
        random.pick(devices).crash(random.between(1, 200));
      });
    }
  }

  /**
   * Makes up for what is missing when the time is over; true when nothing is. `changes`: how many were decided so far.
   */
  top(changes: number): boolean {
    if (this.sends < SENDS_MIN) this.#send();
    if (changes < CHANGES_MIN) {
      this.#changesTried++;
      // Where the log's clock was far ahead, ids will be too old for an hour: a new group has no past.
      if (this.#changesTried % 8 === 0) this.#create();
      else this.#change();
    }
    return this.sends >= SENDS_MIN && changes >= CHANGES_MIN;
  }

  #create(): void {
    const { scheduler, users, issuer } = this.#world;
    const { random } = scheduler;
    const [creator, ...others] = random.shuffle(users).slice(0, 3 + random.below(3)) as [string, ...string[]];
    issuer.create(creator, others, random.chance(0.2) ? 5 : 50);
  }

  #send(): void {
    const { scheduler, devices, issuer, roster } = this.#world;
    const { random } = scheduler;
    const device = random.pick(devices);
    const mine = [
      ...this.#directs.filter((id) => id.includes(device.user)),
      ...issuer.groups.filter((id) => roster.get(id)?.has(device.user) ?? true),
    ];
    const conversations = mine.length === 0 || random.chance(0.1) ? [...this.#directs, ...issuer.groups] : mine;
    if (conversations.length === 0) return;
    const payload = `m${this.sends + 1}`;
    if (device.send(random.pick(conversations), payload)) this.sends++;
  }

  #change(): void {
    if (this.#world.issuer.groups.length > 0) this.#world.issuer.change();
  }

  #readHistory(): void {
    const { scheduler, devices, issuer } = this.#world;
    const { random } = scheduler;
    const { client } = random.pick(devices);
    if (client === null || client.state !== 'live' || issuer.groups.length === 0) return;
    const range = random.chance(0.5) ? { after: random.below(4) } : { before: 1 + random.below(30) };
    void client.history(random.pick(issuer.groups), { ...range, limit: 1 + random.below(20) });
  }
}
