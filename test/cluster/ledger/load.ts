// A steady load of real clients on a cluster, and the books that are kept of it.
//
//   start ─▶ (faults, while it sends) ─▶ pause ─▶ settled ─▶ checkLedger ─▶ resume ─▶ … ─▶ stop
//
// The rate is bounded and small: it is there to find what is lost, repeated or renumbered, not to find limits.
import { dataOf, HttpApi } from '../../../services/client/index.ts';
import { systemRuntime } from '../../../services/client/node.ts';
import { Violations } from '../../simulation/checker/violations.ts';
import { DEVICES, GROUPS, PAIRS, WANDERER } from './cast.ts';
import { Latecomers } from './latecomers.ts';
import { Observations } from './observations.ts';
import { Participant } from './participant.ts';
import { waitUntil } from './wait-until.ts';

export interface LoadOptions {
  readonly apiUrl: string;
  /** Makes tokens for the cast. */
  readonly appKey: string;
  /** Addresses of edges, asked for at every connection. */
  readonly edges: () => readonly string[];
  /** Over all devices; 60 by default. */
  readonly messagesPerSecond?: number;
}

const RATE_DEFAULT = 60;
const TICK_MS = 20;
/** On a busy machine ticks come late; a burst after a long pause is another load than was asked for. */
const CATCH_UP_MS_MAX = 500;
/** Two changes of members in each group in a short test, and not a test of nothing else. */
const MEMBERS_EVERY_MS = 2_000;
const ONLINE_MS = 4_000;
const OFFLINE_MS = 2_500;
/** Of the sends, to groups: they cost five copies each. */
const GROUP_SHARE = 3;

interface Room {
  readonly id: string;
  readonly owner: string;
  readonly senders: readonly Participant[];
  /** Who comes and goes; those who are members now. */
  readonly others: readonly string[];
  readonly joined: Set<string>;
}

export class Load {
  readonly observations: Observations;
  readonly violations = new Violations();
  readonly latecomers = new Latecomers();
  readonly devices: readonly Participant[];
  readonly #options: LoadOptions;
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #rooms: Room[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  /** Membership commands under way. */
  readonly #commands = new Set<Promise<void>>();
  #isPaused = true;
  #sends = 0;
  #turn = 0;
  #due = 0;
  #tickedAt = 0;

  private constructor(options: LoadOptions) {
    this.#options = options;
    this.observations = new Observations(this.violations);
    this.devices = DEVICES.map(({ user, name }) => this.newDevice(user, name));
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
      onEntry: ({ event }) => {
        if (event.kind === 'message' && event.sender !== user) this.latecomers.seen(event.payload);
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
    const room = this.#rooms[Math.floor(turn / GROUP_SHARE) % this.#rooms.length];
    if (room !== undefined && turn % GROUP_SHARE === 0) {
      const sender = room.senders[Math.floor(turn / GROUP_SHARE / this.#rooms.length) % room.senders.length]!;
      // Who is no member is to be refused; nobody waits for it.
      this.#send(sender, room.id, false);
      return;
    }
    const pair = PAIRS[turn % PAIRS.length]!;
    const user = pair.users[Math.floor(turn / PAIRS.length) % 2]!;
    const devices = this.devices.filter((device) => device.user === user);
    this.#send(devices[turn % devices.length]!, pair.id, true);
  }

  #send(device: Participant, conversationId: string, isToArrive: boolean): void {
    const payload = `${device.name} says ${device.sent.length}`;
    if (!device.send(conversationId, payload)) return;
    this.#sends++;
    if (isToArrive) this.latecomers.sent(payload);
  }

  // --- members

  async #makeRooms(): Promise<void> {
    for (const [index, { members, others }] of GROUPS.entries()) {
      const [owner] = members;
      const api = this.#apiOf(owner);
      await api.time();
      const key = api.clock.makeId();
      const made = dataOf(await api.createGroup(`group ${index}`, members, key));
      this.observations.onHttpOutcome(owner, key, toldOf(made));
      const users: readonly string[] = [...members, ...others];
      const senders = this.devices.filter(({ user }) => users.includes(user));
      this.#rooms.push({ id: made.conversationId, owner, senders, others, joined: new Set() });
    }
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
    const ask = () => (isJoin ? api.addMembers(id, [user], key) : api.removeMember(id, user, key));
    let reply = await ask();
    // Not decided within a minute, because a server is away: the same question again.
    while (!reply.ok && [0, 202, 503].includes(reply.status)) reply = await ask();
    this.observations.onHttpOutcome(owner, key, toldOf(dataOf(reply)));
    if (isJoin) joined.add(user);
    else joined.delete(user);
  }

  // --- devices

  #comeAndGo(): void {
    const wanderer = this.devices.find(({ name }) => name === WANDERER)!;
    let turnAt = performance.now() + ONLINE_MS;
    const timer = setInterval(() => {
      if (wanderer.isOnline && this.#isPaused) return; // it stays, to be looked at
      if (!this.#isPaused && performance.now() < turnAt) return;
      turnAt = performance.now() + (wanderer.isOnline ? OFFLINE_MS : ONLINE_MS);
      if (wanderer.isOnline) wanderer.goOffline();
      else void wanderer.goOnline();
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
