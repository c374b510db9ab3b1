// A steady load of real clients on a cluster, and the books that are kept of it.
//
//   start ─▶ (faults, while it sends) ─▶ pause ─▶ settled ─▶ checkLedger ─▶ resume ─▶ … ─▶ stop
//
// The rate is bounded and small: it is there to find what is lost, repeated or renumbered, not to find limits.
import { type ApiReply, dataOf, HttpApi } from '../../../services/client/index.ts';
import { systemRuntime } from '../../../services/client/node.ts';
import { Violations } from '../../simulation/checker/violations.ts';
import { type Cast, type CastGroup, SMALL_CAST } from './cast.ts';
import { Latecomers } from './latecomers.ts';
import { Observations } from './observations.ts';
import { Participant } from './participant.ts';
import { PerSecond } from './per-second.ts';
import { waitUntil } from './wait-until.ts';

export interface LoadOptions {
  readonly apiUrl: string;
  /** Makes tokens for the cast. */
  readonly appKey: string;
  /** Addresses of edges, asked for at every connection. */
  readonly edges: () => readonly string[];
  /** Who takes part; twelve users by default. */
  readonly cast?: Cast;
  /** Over all devices; 60 by default. */
  readonly messagesPerSecond?: number;
}

const RATE_DEFAULT = 40;
const TICK_MS = 20;
/** On a busy machine ticks come late; a burst after a long pause is another load than was asked for. */
const CATCH_UP_MS_MAX = 500;
/** Two changes of members in each group in a short test, and not a test of nothing else. */
const MEMBERS_EVERY_MS = 2_000;
/** Groups that are made at the same time. */
const MAKING_MAX = 10;

interface Room {
  readonly id: string;
  readonly owner: string;
  readonly senders: readonly Participant[];
  /** Who comes and goes; those who are members now. */
  readonly others: readonly string[];
  readonly joined: Set<string>;
}

export class Load {
  readonly cast: Cast;
  readonly observations: Observations;
  readonly violations = new Violations();
  readonly latecomers = new Latecomers();
  /** Messages that got to another user's device, by the second. */
  readonly deliveries = new PerSecond();
  readonly devices: readonly Participant[];
  readonly #options: LoadOptions;
  readonly #devicesOf = new Map<string, Participant[]>();
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #rooms: Room[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  /** Membership commands under way. */
  readonly #commands = new Set<Promise<void>>();
  #isPaused = true;
  #isStopped = false;
  #sends = 0;
  #turn = 0;
  #due = 0;
  #tickedAt = 0;

  private constructor(options: LoadOptions) {
    this.#options = options;
    this.cast = options.cast ?? SMALL_CAST;
    this.observations = new Observations(this.violations, (payload) => this.latecomers.acknowledged(payload));
    this.devices = this.cast.devices.map(({ user, name }) => this.newDevice(user, name));
    for (const device of this.devices)
      this.#devicesOf.set(device.user, [...(this.#devicesOf.get(device.user) ?? []), device]);
  }

  /** Everybody is connected, the groups are made, and sending has begun. @throws ApiRefused, Error */
  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    await Promise.all(load.devices.map((device) => device.goOnline()));
    await load.#makeRooms();
    load.#timers.push(setInterval(() => load.#tick(), TICK_MS));
    load.#timers.push(setInterval(() => load.#changeMembers(), MEMBERS_EVERY_MS));
    load.#comeAndGo();
    load.resume();
    return load;
  }

  /** Messages that were sent, acknowledged or not. */
  get sends(): number {
    return this.#sends;
  }

  newDevice(user: string, name: string): Participant {
    const { observations, violations } = this;
    return new Participant({
      ...{ user, name, observations, violations },
      edges: this.#options.edges,
      token: () => this.#tokenOf(user),
      onSequenced: (payload) => this.latecomers.acknowledged(payload),
      onEntry: ({ event }) => {
        if (event.kind !== 'message' || event.sender === user) return;
        this.latecomers.seen(event.payload);
        this.deliveries.count();
      },
    });
  }

  resume(): void {
    this.#isPaused = false;
    this.#due = 0;
    this.#tickedAt = performance.now();
  }

  /** Nothing new is sent. What was goes on: wait with `settled`. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Resolves with how long it took until every device is online and has nothing left to send. @throws Error */
  async settled(wait_ms = 60_000): Promise<number> {
    const isSettled = () => this.#commands.size === 0 && this.devices.every((device) => device.isSettled);
    const late = () => this.devices.filter((device) => !device.isSettled).map(({ state }) => state);
    return waitUntil(() => `${this.#commands.size} commands under way; ${late().join('; ')}`, isSettled, wait_ms);
  }

  async stop(): Promise<void> {
    this.pause();
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const device of this.devices) device.goOffline();
    await Promise.all(this.#commands);
  }

  // --- sending

  #tick(): void {
    if (this.#isPaused) return;
    const now = performance.now();
    const passed_ms = Math.min(now - this.#tickedAt, CATCH_UP_MS_MAX);
    this.#tickedAt = now;
    this.#due += (passed_ms / 1_000) * (this.#options.messagesPerSecond ?? RATE_DEFAULT);
    for (; this.#due >= 1; this.#due--) this.#sendOne();
  }

  #sendOne(): void {
    const turn = this.#turn++;
    const { pairs, groupEvery } = this.cast;
    const room = this.#rooms[Math.floor(turn / groupEvery) % this.#rooms.length];
    if (room !== undefined && turn % groupEvery === 0) {
      const sender = room.senders[Math.floor(turn / groupEvery / this.#rooms.length) % room.senders.length]!;
      // Who is no member is to be refused; nobody waits for it.
      this.#send(sender, room.id, false);
      return;
    }
    const pair = pairs[turn % pairs.length]!;
    const user = pair.users[Math.floor(turn / pairs.length) % 2]!;
    const devices = this.#devicesOf.get(user)!;
    this.#send(devices[turn % devices.length]!, pair.id, pair.isMeasured);
  }

  #send(device: Participant, conversationId: string, isToArrive: boolean): void {
    const payload = `${device.name} says ${device.sent.length}`;
    if (!device.send(conversationId, payload)) return;
    this.#sends++;
    if (isToArrive) this.latecomers.sent(payload);
  }

  // --- members

  async #makeRooms(): Promise<void> {
    const { groups } = this.cast;
    for (let from = 0; from < groups.length; from += MAKING_MAX)
      await Promise.all(groups.slice(from, from + MAKING_MAX).map((group, i) => this.#makeRoom(from + i, group)));
  }

  async #makeRoom(index: number, { members, others }: CastGroup): Promise<void> {
    const owner = members[0]!;
    const api = this.#apiOf(owner);
    await api.time();
    const key = api.clock.makeId();
    const made = await this.#decided(() => api.createGroup(`group ${index}`, members, key));
    this.observations.onHttpOutcome(owner, key, toldOf(made));
    const users: readonly string[] = [...members, ...others];
    const senders = this.devices.filter(({ user }) => users.includes(user));
    this.#rooms.push({ id: made.conversationId, owner, senders, others, joined: new Set() });
  }

  /** One of the others joins, or is removed, in each group that has no such command under way. */
  #changeMembers(): void {
    if (this.#isPaused || this.#commands.size > 0) return;
    for (const room of this.#rooms) {
      const user = room.others[Math.floor(this.#turn / 7) % room.others.length]!;
      const command = this.#change(room, user)
        .catch((error: unknown) => this.violations.add(`members of a group could not be changed: ${String(error)}`))
        .finally(() => this.#commands.delete(command));
      this.#commands.add(command);
    }
  }

  async #change({ id, owner, joined }: Room, user: string): Promise<void> {
    const api = this.#apiOf(owner);
    await waitUntil('the api tells the time', async () => (await api.time()).ok, 60_000);
    const key = api.clock.makeId();
    const isJoin = !joined.has(user);
    const told = await this.#decided(() =>
      isJoin ? api.addMembers(id, [user], key) : api.removeMember(id, user, key),
    );
    this.observations.onHttpOutcome(owner, key, toldOf(told));
    if (isJoin) joined.add(user);
    else joined.delete(user);
  }

  /** Not decided within a minute, because a server is away: the same question again. @throws ApiRefused */
  async #decided<T>(ask: () => Promise<ApiReply<T>>): Promise<T> {
    let reply = await ask();
    while (!reply.ok && [0, 202, 503].includes(reply.status) && !this.#isStopped) reply = await ask();
    return dataOf(reply);
  }

  // --- devices

  #comeAndGo(): void {
    const { wanderers, online_ms, offline_ms } = this.cast;
    const all = this.devices.filter(({ name }) => wanderers.has(name));
    // Not all at once.
    const turnAt = all.map((_, i) => performance.now() + online_ms * (1 + i / all.length));
    const timer = setInterval(() => {
      for (const [i, wanderer] of all.entries()) {
        if (wanderer.isOnline && this.#isPaused) continue; // it stays, to be looked at
        if (!this.#isPaused && performance.now() < turnAt[i]!) continue;
        turnAt[i] = performance.now() + (wanderer.isOnline ? offline_ms : online_ms);
        if (wanderer.isOnline) wanderer.goOffline();
        else void wanderer.goOnline();
      }
    }, TICK_MS);
    this.#timers.push(timer);
  }

  #apiOf(user: string): HttpApi {
    const { apiUrl: baseUrl } = this.#options;
    return new HttpApi({ baseUrl, runtime: systemRuntime, token: () => this.#tokenOf(user) });
  }

  /** Good for an hour; made before the faults begin. */
  #tokenOf(user: string): Promise<string> {
    const { apiUrl: baseUrl, appKey } = this.#options;
    let token = this.#tokens.get(user);
    if (token === undefined) {
      token = new HttpApi({ baseUrl, runtime: systemRuntime, appKey })
        .createToken(user)
        .then((made) => dataOf(made).token);
      token.catch(() => this.#tokens.delete(user));
      this.#tokens.set(user, token);
    }
    return token;
  }
}

function toldOf({ result, seq }: { readonly result: 'sequenced' | 'unchanged'; readonly seq?: number }) {
  return { result, ...(seq === undefined ? {} : { seq }) };
}
