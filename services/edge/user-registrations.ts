// Keeps the session registry telling the truth about this node: one call at a time, many users in each, applied in order,
// so that a fast close and open cannot end unregistered. Each user is compared with what the registry was told last, so
// changes in between cost nothing.
//
// While the registry is away sessions are welcomed all the same: nobody finds them, so no hint reaches them, but sends,
// pulls and heartbeats work. When it is back everyone is registered again and told `behind`: the row that a hint was
// about is written before the look-up that missed it (t1 < t2), that look-up came before this registration (t2 < t3), and
// the pull comes after it (t3 < t4).
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { type Runtime, sleep } from '../kernel/runtime.ts';
import { addressKey, type NodeAddress, type SessionRegistry } from '../ports/sessions/session-registry.ts';
import type { ConnectedUser } from './connected-user.ts';

/** Users in one call: 64 kB of ids at most, a few milliseconds of Redis. */
const USERS_PER_CALL_MAX = 1_000;
/** A hello waits this long for the registry, then does without. */
const CALL_MS_MAX = 2_000;
const RETRY_MS = 1_000;
/** A registry that was emptied is noticed after this. */
const WATCH_INTERVAL_MS = 5_000;

export interface UserRegistrationsDeps {
  readonly address: NodeAddress;
  readonly registry: SessionRegistry;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Every user of this node. */
  readonly users: () => Iterable<ConnectedUser>;
  /** Registered late or again: hints may have been missed. */
  readonly onRestored: (user: ConnectedUser) => void;
  /** Unregistered, and without a session. */
  readonly onForgotten: (user: ConnectedUser) => void;
  /** Registrations vanished while the registry stood: others found our stream gone. */
  readonly onVanished: () => Promise<void>;
}

export class UserRegistrations {
  readonly #deps: UserRegistrationsDeps;
  readonly #dirty = new Set<ConnectedUser>();
  readonly #stop = new AbortController();
  #running = false;
  /** The last call failed: do not let hellos wait for the next one. */
  #away = false;
  /** undefined before the first answer; null after a call that failed, so that the next answer counts as a change. */
  #epoch: string | null | undefined = undefined;
  #losses = 0;
  /** Our stream was found gone, and is not open again. */
  #streamGone = false;

  constructor(deps: UserRegistrationsDeps) {
    this.#deps = deps;
  }

  /** Before the first `ensure`: the epoch that the registrations belong to is read first. */
  async start(): Promise<void> {
    await this.#look();
    void this.#watch();
  }

  stop(): void {
    this.#stop.abort();
    for (const user of this.#dirty) resolveWaiters(user);
  }

  /** Resolves when every look-up that starts now finds the user here; or when the registry does not answer. */
  ensure(user: ConnectedUser): Promise<void> {
    if (user.registration === 'registered' || this.#stop.signal.aborted) return Promise.resolve();
    this.#mark(user);
    if (this.#away) {
      user.behindWhenRegistered = true;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      user.registrationWaiters ??= [];
      user.registrationWaiters.push(resolve);
    });
  }

  /** The user's last session went. */
  release(user: ConnectedUser): void {
    this.#mark(user);
  }

  /** What the registry knows of us may be gone: tells it everything again. */
  lost(): void {
    this.#losses++;
    this.#deps.metrics.add('edge_registry_lost');
    for (const user of this.#deps.users()) {
      // Also of those who just left and may be back before they are unregistered.
      user.registration = 'unknown';
      if (user.sessions.length === 0) continue;
      user.behindWhenRegistered = true;
      this.#mark(user);
    }
  }

  #mark(user: ConnectedUser): void {
    if (this.#stop.signal.aborted) return;
    this.#dirty.add(user);
    if (this.#running) return;
    this.#running = true;
    // Not at once: hellos of the same turn go in one call.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#stop.signal.aborted) {
      const users = this.#takeDirty();
      try {
        await this.#unregister(users.filter(isToUnregister));
        await this.#register(users.filter(isToRegister));
        this.#away = false;
      } catch (error) {
        this.#away = true;
        this.#deps.logger.warn('the session registry did not answer', { error: String(error) });
        for (const user of users) this.#giveUpForNow(user);
        await sleep(this.#deps.runtime, RETRY_MS * (0.5 + this.#deps.runtime.random()), this.#stop.signal);
      }
    }
    this.#running = false;
  }

  #takeDirty(): ConnectedUser[] {
    const users: ConnectedUser[] = [];
    for (const user of this.#dirty) {
      users.push(user);
      this.#dirty.delete(user);
      if (users.length === USERS_PER_CALL_MAX) break;
    }
    return users;
  }

  async #unregister(users: readonly ConnectedUser[]): Promise<void> {
    const { registry, address, onForgotten } = this.#deps;
    if (users.length === 0) return;
    for (const user of users) user.registration = 'unknown';
    await this.#bounded(registry.unregister(address, users.map(nameOf)));
    for (const user of users) {
      user.registration = 'none';
      if (user.sessions.length === 0) onForgotten(user);
    }
  }

  async #register(users: readonly ConnectedUser[]): Promise<void> {
    const { registry, address, onRestored } = this.#deps;
    if (users.length === 0) return;
    for (const user of users) user.registration = 'unknown';
    const losses = this.#losses;
    await this.#bounded(registry.register(address, users.map(nameOf)));
    // Lost meanwhile: this call may have been before it. Everyone is marked again already.
    if (losses !== this.#losses) return;
    for (const user of users) {
      user.registration = 'registered';
      resolveWaiters(user);
      if (user.sessions.length === 0) this.#dirty.add(user);
      if (!user.behindWhenRegistered) continue;
      user.behindWhenRegistered = false;
      onRestored(user);
    }
  }

  #giveUpForNow(user: ConnectedUser): void {
    if (user.registration === 'registered' && user.sessions.length > 0) return;
    this.#dirty.add(user);
    user.behindWhenRegistered = true;
    resolveWaiters(user);
  }

  /** An unanswered call is given up; the registry applies our calls in order, so repeating it later does no harm. */
  async #bounded<T>(call: Promise<T>): Promise<T> {
    let late: () => void = () => {};
    const timer = this.#deps.runtime.setTimer(CALL_MS_MAX, () => late());
    const timeout = new Promise<never>((_, reject) => {
      late = () => reject(new Error(`no answer in ${CALL_MS_MAX} ms`));
    });
    try {
      return await Promise.race([call, timeout]);
    } finally {
      timer.cancel();
    }
  }

  async #watch(): Promise<void> {
    const { runtime } = this.#deps;
    const { signal } = this.#stop;
    for (;;) {
      await sleep(runtime, WATCH_INTERVAL_MS * (0.8 + 0.4 * runtime.random()), signal);
      if (signal.aborted) return;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    try {
      const epoch = await this.#bounded(this.#deps.registry.epoch());
      const before = this.#epoch;
      this.#epoch = epoch;
      if (this.#streamGone) await this.#reopen();
      else if (before !== undefined && before !== epoch) this.lost();
      else await this.#lookForOne();
    } catch (error) {
      this.#epoch = null;
      this.#deps.logger.warn('the session registry or the stream did not answer', { error: String(error) });
    }
  }

  /** One registration stands for all: whoever finds our stream gone removes them together. */
  async #lookForOne(): Promise<void> {
    const user = this.#anyRegistered();
    if (user === null) return;
    const found = await this.#bounded(this.#deps.registry.lookup([user.user]));
    const key = addressKey(this.#deps.address);
    // Still registered as far as we know, so nothing we did ourselves explains that it is gone.
    if (user.registration !== 'registered' || user.sessions.length === 0 || this.#stop.signal.aborted) return;
    if (found.some(({ address }) => addressKey(address) === key)) return;
    this.#deps.logger.warn('registrations vanished: the delivery stream is opened anew');
    this.#streamGone = true;
    await this.#reopen();
  }

  /** Tried at every look until it works. */
  async #reopen(): Promise<void> {
    await this.#deps.onVanished();
    this.#streamGone = false;
    this.lost();
  }

  #anyRegistered(): ConnectedUser | null {
    for (const user of this.#deps.users()) {
      if (user.registration === 'registered' && user.sessions.length > 0) return user;
    }
    return null;
  }
}

function isToRegister(user: ConnectedUser): boolean {
  return user.sessions.length > 0 && user.registration !== 'registered';
}

function isToUnregister(user: ConnectedUser): boolean {
  return user.sessions.length === 0;
}

function nameOf({ user }: ConnectedUser): string {
  return user;
}

function resolveWaiters(user: ConnectedUser): void {
  const waiters = user.registrationWaiters;
  user.registrationWaiters = null;
  if (waiters !== null) for (const resolve of waiters) resolve();
}
