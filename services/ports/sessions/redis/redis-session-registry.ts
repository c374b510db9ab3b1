// Who is connected where, in Redis: a hash per inbox partition, so that the recipients of one inbox record cost one
// command.
//
// Three ways of losing registrations, and what tells each:
//   the server was emptied        the epoch key is gone, and gets another value
//   it was restarted, replaced    its run_id
//   an address was removed        (someone found its stream gone) the size of the address's set is not what our last call
//                                 left: noticed by our next call or by `epoch()`, which counts it
import type { Redis } from 'ioredis';
import { partitionOf } from '../../../events/partition.ts';
import type { Runtime } from '../../../kernel/runtime.ts';
import { addressKey, type ConnectedAt, type NodeAddress, type SessionRegistry } from '../session-registry.ts';
import { connectRedis, runIdOf } from './redis-connection.ts';
import { ADDRESS_SEPARATOR, PART_SEPARATOR, REGISTER, UNREGISTER } from './registry-scripts.ts';

/** Users of one script: 1 ms of the server, and below what Lua can unpack (8,000, two for each). */
const USERS_PER_SCRIPT_MAX = 1_000;
/** Users of one HMGET: 2 ms of the server. */
const USERS_PER_LOOKUP_MAX = 4_000;
/** Combinations of addresses that were seen, parsed: two devices on two of a hundred edges are 5,000. */
const PLACES_CACHED_MAX = 10_000;

export interface RedisSessionRegistrySettings {
  /** `host:port` or `redis://...` */
  readonly endpoint: string;
  readonly inboxPartitions: number;
  /** Before every key. */
  readonly prefix?: string;
}

export class RedisSessionRegistry implements SessionRegistry {
  readonly #redis: Redis;
  readonly #runtime: Runtime;
  readonly #partitions: number;
  readonly #prefix: string;
  readonly #places = new Map<string, readonly NodeAddress[]>();
  /** How many users each address has that we register: what our last call left. */
  readonly #sizes = new Map<string, number>();
  readonly #removing = new Map<string, Promise<void>>();
  #losses = 0;

  private constructor(redis: Redis, runtime: Runtime, settings: RedisSessionRegistrySettings) {
    this.#redis = redis;
    this.#runtime = runtime;
    this.#partitions = settings.inboxPartitions;
    this.#prefix = `${settings.prefix ?? 'fanlog:'}sessions:`;
  }

  static async open(settings: RedisSessionRegistrySettings, runtime: Runtime): Promise<RedisSessionRegistry> {
    return new RedisSessionRegistry(await connectRedis(settings.endpoint), runtime, settings);
  }

  /**
   * Whose topics and keys these are: `installation`, or what was written before. Sessions and deliveries of two that share a
   * prefix would go to each other's users.
   */
  async claim(installation: string): Promise<string> {
    const key = `${this.#prefix}installation`;
    await this.#redis.setnx(key, installation);
    return (await this.#redis.get(key)) ?? installation;
  }

  async register(address: NodeAddress, users: readonly string[]): Promise<void> {
    await this.#change(REGISTER, address, users);
  }

  async unregister(address: NodeAddress, users: readonly string[]): Promise<void> {
    await this.#change(UNREGISTER, address, users);
  }

  async lookup(users: readonly string[]): Promise<readonly ConnectedAt[]> {
    const reads: Promise<void>[] = [];
    const found = new Map<NodeAddress, string[]>();
    for (const [partition, all] of this.#byPartition(users)) {
      for (let i = 0; i < all.length; i += USERS_PER_LOOKUP_MAX) {
        const asked = all.length <= USERS_PER_LOOKUP_MAX ? all : all.slice(i, i + USERS_PER_LOOKUP_MAX);
        reads.push(
          this.#redis.hmget(this.#hash(partition), ...asked).then((places) => this.#collect(asked, places, found)),
        );
      }
    }
    await Promise.all(reads);
    return Array.from(found, ([address, there]) => ({ address, users: there }));
  }

  /** Calls for one address at a time: everybody who publishes to it finds its stream gone. */
  removeNode(address: NodeAddress): Promise<void> {
    const key = addressKey(address);
    const running = this.#removing.get(key);
    if (running !== undefined) return running;
    const removal = this.#remove(address).finally(() => this.#removing.delete(key));
    this.#removing.set(key, removal);
    return removal;
  }

  async epoch(): Promise<string> {
    const key = `${this.#prefix}epoch`;
    const fresh = Buffer.from(this.#runtime.randomBytes(8)).toString('hex');
    const sizes = Array.from(this.#sizes.keys(), (place) =>
      this.#redis.scard(this.#at(place)).then((size) => this.#compare(place, size)),
    );
    const [, epoch, runId] = await Promise.all([
      this.#redis.set(key, fresh, 'NX'),
      this.#redis.get(key),
      runIdOf(this.#redis),
      ...sizes,
    ]);
    return `${epoch}.${runId}.${this.#losses}`;
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #change(script: string, address: NodeAddress, users: readonly string[]): Promise<void> {
    const place = placeOf(address);
    const calls: Promise<void>[] = [];
    for (let i = 0; i < users.length; i += USERS_PER_SCRIPT_MAX)
      calls.push(this.#changeAndCompare(script, place, users.slice(i, i + USERS_PER_SCRIPT_MAX)));
    await Promise.all(calls);
  }

  #changeAndCompare(script: string, place: string, users: readonly string[]): Promise<void> {
    return this.#run(script, place, users).then(
      ([before, after]) => {
        this.#compare(place, before);
        this.#sizes.set(place, after);
      },
      (error: unknown) => {
        // Nobody knows what it left behind.
        this.#sizes.delete(place);
        throw error;
      },
    );
  }

  /** EVAL with the whole text: EVALSHA would go out of order when the server does not know the script (again). */
  #run(script: string, place: string, users: readonly string[]): Promise<readonly [before: number, after: number]> {
    const keys = [this.#at(place)];
    const argv = [place];
    for (const [partition, members] of this.#byPartition(users)) {
      keys.push(this.#hash(partition));
      argv.push(String(members.length));
      for (const user of members) argv.push(user);
    }
    return this.#redis.eval(script, keys.length, ...keys, ...argv) as Promise<[number, number]>;
  }

  #compare(place: string, size: number): void {
    const expected = this.#sizes.get(place);
    if (expected === undefined || expected === size) return;
    this.#losses++;
    this.#sizes.set(place, size);
  }

  /** In steps, each of them whole: an address that registers meanwhile finds its size changed. */
  async #remove(address: NodeAddress): Promise<void> {
    const place = placeOf(address);
    for (;;) {
      const users = await this.#redis.srandmember(this.#at(place), USERS_PER_SCRIPT_MAX);
      if (users.length === 0) return;
      await this.#run(UNREGISTER, place, users);
    }
  }

  #byPartition(users: readonly string[]): Map<number, string[]> {
    const groups = new Map<number, string[]>();
    for (const user of users) {
      const partition = partitionOf(user, this.#partitions);
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [user]);
      else group.push(user);
    }
    return groups;
  }

  #collect(users: readonly string[], places: readonly (string | null)[], found: Map<NodeAddress, string[]>): void {
    for (let i = 0; i < users.length; i++) {
      const place = places[i];
      if (place === null || place === undefined) continue;
      for (const address of this.#addressesOf(place)) {
        const there = found.get(address);
        if (there === undefined) found.set(address, [users[i]!]);
        else there.push(users[i]!);
      }
    }
  }

  /** One object an address, whatever combinations it stands in: they are compared by identity. */
  #addressesOf(place: string): readonly NodeAddress[] {
    const known = this.#places.get(place);
    if (known !== undefined) return known;
    const parts = place.split(ADDRESS_SEPARATOR);
    const addresses = parts.length > 1 ? parts.flatMap((part) => this.#addressesOf(part)) : [addressOf(place)];
    if (this.#places.size < PLACES_CACHED_MAX || parts.length === 1) this.#places.set(place, addresses);
    return addresses;
  }

  #hash(partition: number): string {
    return `${this.#prefix}p${partition}`;
  }

  #at(place: string): string {
    return `${this.#prefix}at:${place}`;
  }
}

function placeOf({ node, incarnation }: NodeAddress): string {
  return node + PART_SEPARATOR + incarnation;
}

function addressOf(place: string): NodeAddress {
  const [node, incarnation] = place.split(PART_SEPARATOR);
  return { node: node!, incarnation: incarnation! };
}
