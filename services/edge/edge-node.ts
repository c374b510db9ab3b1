// One edge: its sessions, and the ports they share. Runs unchanged in the simulation: sockets, time and chance come in.
import { encodeMessagesRecord } from '../events/codec.ts';
import { partitionOf } from '../events/partition.ts';
import type { Authenticator } from '../kernel/authentication.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import type { Limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { type Runtime, sleep, type Timer } from '../kernel/runtime.ts';
import type { CanaryDelivery, DeliveryReader, DeliveryStream } from '../ports/delivery/delivery-stream.ts';
import { CommandAppender } from '../ports/log/command-appender.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { NodeAddress, SessionRegistry } from '../ports/sessions/session-registry.ts';
import type { Tables, TablesInForce } from '../ports/store/live-tables.ts';
import { StoreError } from '../ports/store/state-store.ts';
import { encodeError, encodeFrame } from '../protocol/encode-frame.ts';
import type { EntriesReply, EventsReply, SendRequest } from '../protocol/frames.ts';
import { exactHead } from '../reading/index.ts';
import { ConnectedUser } from './connected-user.ts';
import { DeliveryDispatcher } from './delivery-dispatcher.ts';
import { EdgeSession } from './edge-session.ts';
import type { EdgeSocket } from './edge-socket.ts';
import { commandOf, PendingSend } from './pending-send.ts';
import { type ReadRequest, serveHistory, serveSync } from './serve-reads.ts';
import type { SessionHost } from './session-host.ts';
import { TickWriter } from './tick-writer.ts';
import { UserRegistrations } from './user-registrations.ts';

/** Every session is looked at once per sweep, a quarter of them at a time: what a sweep sends is spread over a second. */
const SWEEP_MS = 1_000;
const SWEEP_PARTS = 4;
/** Everyone's `behind` after a gap, and everyone's close in a drain: 20,000 clients that pull at once are too many. */
const BEHIND_SPREAD_MS = 4_000;
const DRAIN_SPREAD_MS = 1_000;
const DRAIN_PARTS = 20;
/** A drain waits this long for the log. The client sends again what it got no answer to. */
const DRAIN_APPENDS_MS_MAX = 5_000;
/** An exact read of a head, with jitter of a fifth either way. A million users are 1,700 small reads a second. */
const HEAD_CHECK_INTERVAL_MS = 600_000;
/**
 * At a time, and so at most in one sweep: 16 x 4 sweeps/s = 64 checks/s, where 20,000 users in ten minutes are 33. The
 * rest is for checks that outlast a sweep.
 */
const HEAD_CHECKS_MAX = 16;
/** Pulls in the store at a time; the driver refuses above 2,048 requests in flight, and a pull is up to 100. */
const READS_MAX = 64;

export interface EdgeNodeDeps {
  readonly address: NodeAddress;
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly tables: Tables;
  readonly registry: SessionRegistry;
  readonly delivery: DeliveryStream;
  readonly authenticator: Authenticator;
  readonly limits: Limits;
  /** FANLOG_FRAMES_PER_SECOND; the burst is twice it. Without it the limits' own. */
  readonly framesPerSecond?: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A canary came back on this edge's stream. */
  readonly onCanary?: (record: CanaryDelivery) => void;
}

export class EdgeNode implements SessionHost {
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly writer: TickWriter;
  readonly #deps: EdgeNodeDeps;
  readonly #appender: CommandAppender;
  readonly #registrations: UserRegistrations;
  readonly #dispatcher: DeliveryDispatcher;
  readonly #sessions = new Map<number, EdgeSession>();
  readonly #users = new Map<string, ConnectedUser>();
  #sessionsMade = 0;
  #state: 'idle' | 'running' | 'draining' | 'stopped' = 'idle';
  #reader: DeliveryReader | null = null;
  #sweepTimer: Timer | null = null;
  #sweepCursor: IterableIterator<EdgeSession> | null = null;
  #headChecks = 0;
  #reads = 0;
  #readWaiters: (() => void)[] = [];
  #unwatchTables: () => void = () => {};

  constructor(deps: EdgeNodeDeps) {
    const { address, runtime, log, registry, metrics, logger, framesPerSecond } = deps;
    this.#deps = deps;
    this.runtime = runtime;
    this.limits =
      framesPerSecond === undefined
        ? deps.limits
        : { ...deps.limits, frames_per_second: framesPerSecond, frames_burst: 2 * framesPerSecond };
    this.authenticator = deps.authenticator;
    this.metrics = metrics;
    this.logger = logger;
    this.writer = new TickWriter(runtime, metrics);
    this.#appender = new CommandAppender({ log, runtime, logger, metrics });
    this.#registrations = new UserRegistrations({
      address,
      registry,
      runtime,
      logger,
      metrics,
      users: () => this.#users.values(),
      onRestored: (user) => this.#tellBehindSoon(user.sessions),
      onForgotten: (user) => this.#users.delete(user.user),
      onVanished: () => this.#reopenStream(),
    });
    this.#dispatcher = new DeliveryDispatcher({
      logger,
      takes: (epoch) => {
        const tables = deps.tables.current();
        return epoch === null ? tables.number === 0 : epoch === tables.epoch;
      },
      userOf: (user) => this.#users.get(user),
      sessionOf: (number) => this.#sessions.get(number),
      tellBehindSoon: (sessions) => this.#tellBehindSoon(sessions),
      onCanary: deps.onCanary ?? (() => {}),
    });
  }

  /** Opens the delivery stream. Accept connections after it resolved. */
  async start(): Promise<void> {
    await this.#openStream();
    await this.#registrations.start();
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#unwatchTables = this.#deps.tables.onSwitch((now, before) => this.#onSwitch(now, before));
    this.#scheduleSweep();
  }

  /** Takes connections, and the log confirms what is appended. */
  ready(): boolean {
    return this.whyNotReady() === null;
  }

  /** null: ready. */
  whyNotReady(): string | null {
    if (this.#state !== 'running') return `it is ${this.#state}`;
    if (this.#reader === null) return 'its delivery stream is not open';
    return this.#appender.healthy() ? null : 'the log does not confirm what is appended';
  }

  get epoch(): number {
    return this.#deps.tables.current().epoch;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** A new connection. While draining it is closed at once. */
  accept(socket: EdgeSocket): EdgeSession {
    const session = new EdgeSession(this, socket, ++this.#sessionsMade);
    this.#sessions.set(session.number, session);
    this.metrics.add('edge_sessions');
    if (this.#state !== 'running') session.close('draining');
    return session;
  }

  /** Lets what is on its way to the log end, then sends every session elsewhere, spread over a second. */
  async drain(): Promise<void> {
    if (this.#state !== 'running') return this.stop();
    this.#state = 'draining';
    const { runtime } = this;
    this.#appender.stop();
    const answered = new AbortController();
    void this.#appender.idle().then(() => answered.abort());
    await sleep(runtime, DRAIN_APPENDS_MS_MAX, answered.signal);
    for (let part = 0; part < DRAIN_PARTS && this.#sessions.size > 0; part++) {
      if (part > 0) await sleep(runtime, DRAIN_SPREAD_MS / DRAIN_PARTS);
      this.#closeSome(Math.ceil(this.#sessions.size / (DRAIN_PARTS - part)));
    }
    await this.stop();
  }

  /** Ends at once. Nothing that was answered is lost. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#sweepTimer?.cancel();
    this.#unwatchTables();
    this.#appender.stop();
    this.#registrations.stop();
    this.#closeSome(this.#sessions.size);
    const { registry, address } = this.#deps;
    try {
      await registry.removeNode(address);
    } catch (error) {
      // Others find the stream gone, and remove us.
      this.logger.warn('could not unregister', { error: String(error) });
    }
    await this.#closeStream();
  }

  // --- what sessions ask for

  attach(session: EdgeSession, name: string, device: string): ConnectedUser | Refusal {
    let user = this.#users.get(name);
    if (user === undefined) {
      user = new ConnectedUser(name);
      this.#users.set(name, user);
    }
    const older = user.sessions.find((other) => other.device === device);
    // A hello that was long on its way, of a connection whose client has opened another since: the later one stays.
    if (older !== undefined && older.number > session.number) return refusal('session_replaced');
    if (older === undefined && user.sessions.length >= this.limits.devices_per_user_max) {
      return refusal('too_many_devices');
    }
    session.device = device;
    // The new one first: the user never has none, and is not unregistered.
    user.sessions.push(session);
    older?.close('session_replaced');
    return user;
  }

  detach(session: EdgeSession, user: ConnectedUser): void {
    const index = user.sessions.indexOf(session);
    if (index >= 0) user.sessions.splice(index, 1);
    if (user.sessions.length === 0) this.#registrations.release(user);
  }

  ensureRegistered(user: ConnectedUser): Promise<void> {
    return this.#registrations.ensure(user);
  }

  async readHead(user: ConnectedUser): Promise<number | null> {
    user.headCheckAt = this.#nextHeadCheck();
    try {
      for (;;) {
        const { store, epoch } = this.#deps.tables.current();
        const head = await this.#withReadSlot(() => exactHead(store, user.user, user.head));
        // Of another numbering than `user.head` by now: read again.
        if (epoch !== this.epoch) continue;
        user.head = Math.max(user.head, head);
        return head;
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return null;
    }
  }

  checkHead(user: ConnectedUser, monotonic: number): void {
    if (monotonic < user.headCheckAt || this.#headChecks >= HEAD_CHECKS_MAX) return;
    this.#headChecks++;
    const before = user.head;
    this.readHead(user)
      .then((head) => {
        // Above what was pushed: a hint got lost.
        if (head !== null && head > before && user.head === head)
          for (const session of user.sessions) session.tellBehind();
      })
      .catch((error: unknown) => this.logger.error('a head could not be read', { error: String(error) }))
      .finally(() => {
        this.#headChecks--;
      });
  }

  appendSend(session: EdgeSession, request: SendRequest): Refusal | null {
    const { address, log } = this.#deps;
    const value = encodeMessagesRecord(commandOf(request, session, address));
    const partition = partitionOf(request.conversationId, log.layout.partitions.messages);
    return this.#appender.append(new PendingSend(session, request, value, partition));
  }

  async serveRead(user: ConnectedUser, request: ReadRequest): Promise<string> {
    const { store, epoch } = this.#deps.tables.current();
    const context = { store, epoch, limits: this.limits };
    this.metrics.add('edge_pulls');
    try {
      const reply = await this.#withReadSlot<EntriesReply | EventsReply | Refusal>(() =>
        request.type === 'sync' ? serveSync(context, user.user, request) : serveHistory(context, user.user, request),
      );
      return 'code' in reply ? encodeError(request.id, reply) : encodeFrame(reply);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return encodeError(request.id, refusal('store_unavailable'));
    }
  }

  onSessionClosed(session: EdgeSession, user: ConnectedUser | null): void {
    this.#sessions.delete(session.number);
    this.metrics.add('edge_sessions', -1);
    if (user !== null) this.detach(session, user);
  }

  // --- the tables

  /**
   * Everyone pulls again, from the tables in force. In another epoch that pull is refused with it, and the client begins
   * anew. In the same one it finds what was written to these tables, and pushed, before this node read them.
   */
  #onSwitch(now: TablesInForce, before: TablesInForce): void {
    if (now.epoch !== before.epoch) for (const user of this.#users.values()) user.head = 0;
    this.#tellBehindSoon(this.#sessions.values());
  }

  // --- time

  #scheduleSweep(): void {
    this.#sweepTimer = this.runtime.setTimer(SWEEP_MS / SWEEP_PARTS, () => {
      this.#sweep();
      if (this.#state === 'running' || this.#state === 'draining') this.#scheduleSweep();
    });
  }

  /** The next quarter of the sessions. A Map's iterator survives that sessions come and go under it. */
  #sweep(): void {
    const monotonic = this.runtime.monotonic();
    const now = this.runtime.now();
    for (let rest = Math.ceil(this.#sessions.size / SWEEP_PARTS); rest > 0; rest--) {
      this.#sweepCursor ??= this.#sessions.values();
      const next = this.#sweepCursor.next();
      if (next.done === true) {
        this.#sweepCursor = null;
        return;
      }
      next.value.sweep(monotonic, now);
    }
  }

  #nextHeadCheck(): number {
    return this.runtime.monotonic() + HEAD_CHECK_INTERVAL_MS * (0.8 + 0.4 * this.runtime.random());
  }

  #tellBehindSoon(sessions: Iterable<EdgeSession>): void {
    const now = this.runtime.monotonic();
    for (const session of sessions) session.tellBehindAt(now + 1 + this.runtime.random() * BEHIND_SPREAD_MS);
  }

  #closeSome(count: number): void {
    let rest = count;
    for (const session of this.#sessions.values()) {
      if (rest-- <= 0) return;
      session.close('draining');
    }
  }

  // --- the store, a bounded number of reads at a time

  async #withReadSlot<T>(read: () => Promise<T>): Promise<T> {
    if (this.#reads >= READS_MAX) await new Promise<void>((resolve) => this.#readWaiters.push(resolve));
    else this.#reads++;
    try {
      return await read();
    } finally {
      // The slot goes to the longest waiting one, or back.
      const next = this.#readWaiters.shift();
      if (next === undefined) this.#reads--;
      else next();
    }
  }

  // --- the delivery stream

  async #openStream(): Promise<void> {
    const { delivery, address } = this.#deps;
    this.#reader = await delivery.open(
      address,
      (records) => this.#dispatcher.dispatch(records),
      () => this.#onGap(),
    );
    if (this.#state === 'stopped') await this.#closeStream();
  }

  async #closeStream(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    try {
      await reader?.close();
    } catch (error) {
      this.logger.warn('the delivery stream did not close', { error: String(error) });
    }
  }

  /** Records were lost; if the stream itself was, whoever found it gone removed our registrations too. */
  #onGap(): void {
    if (this.#state !== 'running') return;
    this.logger.warn('the delivery stream has a gap');
    this.#registrations.lost();
  }

  async #reopenStream(): Promise<void> {
    await this.#closeStream();
    if (this.#state !== 'stopped') await this.#openStream();
  }
}
