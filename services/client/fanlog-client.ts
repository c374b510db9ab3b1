// The client: one user on one device, kept connected. It joins the parts: connections (here), the inbox (InboxPuller) and
// the outbox (MessageSender), and owns the one coarse timer that watches all three.
import type { ErrorCode } from '../kernel/errors.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { Cursor, ErrorReply, InboxEntry, ServerFrame, WelcomeReply } from '../protocol/frames.ts';
import {
  type ClientEvents,
  type HistoryRange,
  type HistoryResult,
  SendRefused,
  type StateChange,
} from './client-events.ts';
import { type ClientLimits, type ClientOptions, clientLimits } from './client-options.ts';
import { assertTransition, type ClientState } from './client-state.ts';
import type { Saved } from './client-storage.ts';
import { closeCodeOf, codeOf, isFatal } from './close-codes.ts';
import { Connection, type ConnectionHandlers } from './connection.ts';
import { EdgeRotation } from './edge-rotation.ts';
import { FrameBudget } from './frame-budget.ts';
import { HistoryAsker } from './history-asker.ts';
import { InboxPuller } from './inbox-puller.ts';
import { type Listener, Listeners } from './listeners.ts';
import { MessageSender } from './message-sender.ts';
import type { SentMessage } from './outbox-message.ts';
import { ReconnectSchedule } from './reconnect-schedule.ts';
import { ServerClock } from './server-clock.ts';

/** While something waits to be decided or answered. */
const TICK_MS = 1_000;
export class FanlogClient {
  readonly #options: ClientOptions;
  readonly #runtime: Runtime;
  readonly #limits: ClientLimits;
  readonly #listeners = new Listeners<ClientEvents>();
  readonly #clock: ServerClock;
  readonly #histories: HistoryAsker;
  readonly #puller: InboxPuller;
  readonly #sender: MessageSender;

  #state: ClientState = 'idle';
  #isStarted = false;
  #isLoaded: boolean;
  #user: string | null = null;
  #savedUser: string | null = null;
  /** Something is to be saved at the end of this step. */
  #isChanged = false;

  // --- this connection
  #connection: Connection | null = null;
  /** Between its arrival and hello. */
  #token = '';
  #budget: FrameBudget | null = null;
  #welcome: WelcomeReply | null = null;
  #stateSince_ms = 0;
  #helloId = 0;
  #syncId = 0;
  #syncSentAt_ms = 0;
  #heartbeatId = 0;
  #heartbeatSentAt_ms = 0;
  #heartbeatDue_ms = 0;

  // --- between connections
  readonly #edges: EdgeRotation;
  readonly #schedule: ReconnectSchedule;
  /** Tells a promise of an earlier attempt from one of this. */
  #connectCount = 0;
  #reconnectTimer: Timer | null = null;
  #tickTimer: Timer | null = null;
  #tickDue_ms = 0;

  readonly #handlers: ConnectionHandlers = {
    onOpen: (connection) => this.#onOpen(connection),
    onFrame: (connection, frame) => this.#onFrame(connection, frame),
    onClose: (_connection, code, reason) => this.#onClose(code, reason),
  };

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#limits = { ...clientLimits, ...options.limits };
    this.#isLoaded = options.storage === undefined;
    this.#clock = new ServerClock(options.runtime);
    this.#edges = new EdgeRotation(options.edges, options.runtime);
    this.#schedule = new ReconnectSchedule(options.runtime, this.#limits);
    this.#histories = new HistoryAsker(options.runtime, () => this.#armTick());
    this.#puller = new InboxPuller(options.runtime, this.#limits.pull, options.cursor ?? null, {
      askPage: (cursor) => this.#askPage(cursor),
      apply: (entry) => this.#apply(entry),
      reset: (epoch) => this.#onReset(epoch),
      caughtUp: () => this.#onCaughtUp(),
    });
    this.#sender = new MessageSender(options.runtime, this.#clock, this.#limits, {
      save: () => this.#save(),
      changed: () => {
        this.#isChanged = true;
      },
      storageFailed: (error) => this.#onStorageFailed(error),
      progress: (progress) => this.#listeners.emit('send', progress),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Everything up to here was given to the listeners of `entry`. Null before the first welcome. */
  get cursor(): Cursor | null {
    return this.#puller.cursor;
  }

  /** Null before the first welcome. */
  get user(): string | null {
    return this.#user;
  }

  /** Messages not yet decided, in order. */
  get outbox(): readonly SentMessage[] {
    return this.#sender.list();
  }

  /** The server's time as this client knows it; share it with the HTTP api. */
  get clock(): ServerClock {
    return this.#clock;
  }

  on<K extends keyof ClientEvents>(event: K, listener: Listener<ClientEvents[K]>): () => void {
    return this.#listeners.on(event, listener);
  }

  /** Resolves when what was saved is loaded and the client connects; never rejects. Without a storage: at once. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const { storage } = this.#options;
    if (storage !== undefined) {
      try {
        this.#restore(await storage.load());
      } catch (error) {
        this.#onStorageFailed(error);
        this.close();
        return;
      }
    }
    if (this.#state === 'idle') this.#connect();
  }

  /** While `waiting`: makes the next attempt at once, as when the user asks or the network is back. Else nothing. */
  retryNow(): void {
    if (this.#state !== 'waiting') return;
    this.#reconnectTimer?.cancel();
    this.#reconnectTimer = null;
    this.#connect();
  }

  /** For good. Messages not yet decided end as `closed`; a storage still has them. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#reconnectTimer?.cancel();
    this.#reconnectTimer = null;
    this.#endConnection('closed by the client');
    this.#saveIfChanged();
    // A listener of `error` may have closed it already.
    if (this.#isClosed()) return;
    this.#setState('closed');
    this.#sender.close();
  }

  /**
   * Queues a text and sends it as soon as may be. Order is kept within a conversation, over reconnects too. Throws
   * SendRefused when it is not taken.
   */
  send(conversationId: string, payload: string, contentType?: string): SentMessage {
    if (this.#state === 'closed') throw new SendRefused('closed', 'This client is closed.');
    if (!this.#isLoaded) throw new SendRefused('not_started', 'What was saved is not loaded yet: await start() first.');
    const wasEmpty = this.#sender.size === 0;
    const message = this.#sender.send(conversationId, payload, contentType);
    if (wasEmpty && this.#welcome !== null) this.#armTick();
    return message;
  }

  /** A page of a conversation's events, asked for as soon as the server's rate of frames allows it. Never rejects. */
  history(conversationId: string, range: HistoryRange): Promise<HistoryResult> {
    return this.#histories.ask(conversationId, range);
  }

  // --- connecting ---------------------------------------------------------------------------------------------------

  #connect(): void {
    if (!this.#setState('connecting')) return;
    const count = ++this.#connectCount;
    const isCurrent = () => count === this.#connectCount && this.#state === 'connecting';
    Promise.all([this.#edges.next(), this.#nextToken()]).then(
      ([edge, token]) => {
        if (isCurrent()) this.#open(edge, token);
      },
      (error) => {
        if (isCurrent()) this.#wait(this.#pauseAfter_ms(1006), `no edge or no token: ${String(error)}`);
      },
    );
    this.#armTick();
  }

  // async: what the application throws is a failed attempt like what it rejects.
  async #nextToken(): Promise<string> {
    return this.#options.token();
  }

  #open(edge: string, token: string): void {
    this.#token = token;
    this.#edges.tried(edge);
    try {
      this.#connection = new Connection(this.#options.connect, edge, this.#handlers);
    } catch (error) {
      this.#wait(this.#pauseAfter_ms(1006), String(error));
    }
  }

  #onOpen(connection: Connection): void {
    this.#helloId = connection.nextId();
    const { device, platform } = this.#options;
    const cursor = this.#puller.cursor ?? undefined;
    const hello = { id: this.#helloId, type: 'hello', token: this.#token, device, platform, cursor };
    this.#token = '';
    connection.send(JSON.stringify(hello));
    this.#setState('authenticating');
  }

  #onWelcome(welcome: WelcomeReply): void {
    if (welcome.id !== this.#helloId || this.#state !== 'authenticating') return;
    this.#welcome = welcome;
    this.#clock.learn(welcome.serverTime);
    this.#budget = new FrameBudget(this.#runtime, welcome.limits.frames_per_second);
    this.#budget.spend(); // hello
    // The first one early by chance, so that clients that came back together do not beat together.
    const first_ms = welcome.heartbeat_ms * (0.5 + this.#runtime.random() / 2);
    this.#heartbeatDue_ms = this.#runtime.monotonic() + first_ms;
    this.#heartbeatId = 0;
    this.#histories.connected(this.#connection!, this.#budget);
    this.#isChanged = true;
    this.#adoptUser(welcome);
    // A listener of `send` or `reset` may have ended the connection, here and below.
    if (this.#welcome !== welcome || !this.#setState('syncing')) return;
    this.#puller.connected(welcome.epoch, welcome.head);
    this.#armTick();
  }

  // What another user of this device left is neither shown nor sent.
  #adoptUser({ user, epoch }: WelcomeReply): void {
    const known = this.#user ?? this.#savedUser;
    this.#user = user;
    if (known === null || known === user) return;
    this.#puller.restore(null);
    this.#sender.dropAll();
    this.#listeners.emit('reset', { epoch });
  }

  // --- frames -------------------------------------------------------------------------------------------------------

  #onFrame(connection: Connection, frame: ServerFrame): void {
    switch (frame.type) {
      case 'push':
        if (this.#welcome !== null) this.#puller.onPush(frame);
        break;
      case 'outcome':
        this.#sender.onOutcome(frame);
        break;
      case 'accepted':
        this.#sender.onAccepted(frame.id);
        break;
      case 'entries':
        if (frame.id !== this.#syncId) break;
        this.#syncId = 0;
        this.#puller.onPage(frame);
        break;
      case 'events':
        this.#histories.onReply(frame.id, { result: 'events', events: frame.events, status: frame.status });
        break;
      case 'heartbeat':
        if (frame.id === this.#heartbeatId) this.#heartbeatId = 0;
        this.#clock.learn(frame.serverTime);
        this.#puller.onHead(frame.head);
        break;
      case 'welcome':
        this.#onWelcome(frame);
        break;
      case 'behind':
        if (this.#welcome !== null) this.#puller.pull();
        break;
      case 'expiring':
        this.#listeners.emit('expiring', { expiresAt: frame.expiresAt });
        break;
      case 'error':
        this.#onError(frame);
        break;
      // A later version may push what this one does not know.
    }
    if (this.#connection === connection) this.#saveIfChanged();
  }

  #onError(reply: ErrorReply): void {
    const { id, code, message, retry } = reply;
    if (id !== null && id === this.#syncId) {
      this.#syncId = 0;
      this.#puller.onRefused(code === 'epoch_changed' ? reply.epoch : undefined);
    } else if (id !== null && id === this.#helloId && this.#state === 'authenticating') {
      this.#onHelloRefused(code, message);
    } else if (id !== null && this.#histories.onReply(id, { result: 'refused', code, message, retry })) {
      return;
    } else if (this.#sender.onError(reply) === 'broken') {
      this.#drop('the numbers of sends disagree');
    }
  }

  // The edge closes after it; this does not wait for that.
  #onHelloRefused(code: ErrorCode, message: string): void {
    const closeCode = closeCodeOf(code);
    if (isFatal(closeCode)) this.#fail(code, message, closeCode);
    else this.#drop(message, closeCode);
  }

  // --- inbox --------------------------------------------------------------------------------------------------------

  #askPage(cursor: Cursor): number {
    const wait_ms = this.#budget!.take('pull');
    if (wait_ms > 0) return wait_ms;
    const connection = this.#connection!;
    this.#syncId = connection.nextId();
    this.#syncSentAt_ms = this.#runtime.monotonic();
    const limit = this.#welcome!.limits.page_entries_max;
    connection.send(
      `{"id":${this.#syncId},"type":"sync","cursor":{"epoch":${cursor.epoch},"inboxSeq":${cursor.inboxSeq}},"limit":${limit}}`,
    );
    return 0;
  }

  #apply(entry: InboxEntry): void {
    this.#isChanged = true;
    this.#listeners.emit('entry', entry);
    if (entry.event.sender === this.#user) this.#sender.onOwnCopy(entry.event);
  }

  #onReset(epoch: number): void {
    this.#isChanged = true;
    this.#listeners.emit('reset', { epoch });
  }

  #onCaughtUp(): void {
    if (this.#state === 'syncing') this.#goLive();
    else this.#sender.pulled();
  }

  #goLive(): void {
    if (!this.#setState('live')) return;
    this.#sender.connected(this.#connection!, this.#budget!, this.#welcome!.limits.frame_bytes_max);
  }

  // --- the end of a connection --------------------------------------------------------------------------------------

  #onClose(code: number, reason: string): void {
    if (isFatal(code)) this.#fail(codeOf(code), reason, code);
    else this.#wait(this.#pauseAfter_ms(code), `${code} ${reason}`);
  }

  #drop(reason: string, closeCode = 1006): void {
    this.#connection?.drop(reason);
    this.#wait(this.#pauseAfter_ms(closeCode), reason);
  }

  #fail(code: ErrorCode | 'connection_refused', message: string, closeCode: number): void {
    this.close();
    this.#listeners.emit('error', { code, message, closeCode });
  }

  #pauseAfter_ms(closeCode: number): number {
    const liveFor_ms = this.#state === 'live' ? this.#runtime.monotonic() - this.#stateSince_ms : 0;
    return this.#schedule.pauseAfter_ms(closeCode, liveFor_ms);
  }

  #wait(delay_ms: number, reason: string): void {
    if (this.#isClosed()) return;
    this.#endConnection(reason);
    this.#saveIfChanged();
    // By a listener of `error`.
    if (this.#isClosed()) return;
    this.#reconnectTimer = this.#runtime.setTimer(delay_ms, () => {
      this.#reconnectTimer = null;
      this.#connect();
    });
    this.#setState('waiting', { reason, retryIn_ms: delay_ms });
  }

  #endConnection(reason: string): void {
    this.#connectCount++;
    this.#connection?.drop(reason);
    this.#connection = null;
    this.#welcome = null;
    this.#budget = null;
    this.#syncId = 0;
    this.#helloId = 0;
    this.#tickTimer?.cancel();
    this.#tickTimer = null;
    this.#puller.disconnected();
    this.#sender.disconnected();
    this.#histories.disconnected();
  }

  // --- the coarse timer ---------------------------------------------------------------------------------------------

  #tick(): void {
    const now_ms = this.#runtime.monotonic();
    const overdue = this.#overdue(now_ms - this.#limits.reply_ms_max);
    if (overdue !== null) {
      this.#drop(`${overdue} took too long`);
      return;
    }
    if (this.#welcome !== null) {
      if (now_ms >= this.#heartbeatDue_ms) this.#beat(now_ms);
      // A hole or a store that is down must not keep messages back: resending is safe without having pulled.
      const isHeldUp = this.#puller.stuck && now_ms - this.#stateSince_ms >= this.#limits.undecided_ms;
      if (this.#state === 'syncing' && isHeldUp) this.#goLive();
      if (this.#state === 'live') this.#watchSends(now_ms);
    }
    this.#armTick();
  }

  /** What the server owes since `since_ms` or longer. */
  #overdue(since_ms: number): string | null {
    if (this.#welcome === null) return this.#stateSince_ms <= since_ms ? this.#state : null;
    if (this.#heartbeatId !== 0 && this.#heartbeatSentAt_ms <= since_ms) return 'a heartbeat';
    if (this.#syncId !== 0 && this.#syncSentAt_ms <= since_ms) return 'a pull';
    const oldest_ms = this.#histories.oldestSentAt_ms();
    return oldest_ms !== null && oldest_ms <= since_ms ? 'a page of history' : null;
  }

  #watchSends(now_ms: number): void {
    if (this.#puller.stuck) this.#sender.pulled();
    const verdict = this.#sender.tick(now_ms);
    if (verdict === 'broken') this.#drop('a send was not answered');
    else if (verdict === 'pull') this.#puller.pull();
  }

  #beat(now_ms: number): void {
    const connection = this.#connection!;
    this.#budget!.spend();
    this.#heartbeatId = connection.nextId();
    this.#heartbeatSentAt_ms = now_ms;
    this.#heartbeatDue_ms = now_ms + this.#welcome!.heartbeat_ms;
    connection.send(`{"id":${this.#heartbeatId},"type":"heartbeat"}`);
  }

  /** One timer a client, and an idle client's only wakes it for its heartbeat. */
  #armTick(): void {
    if (this.#state === 'closed' || this.#state === 'waiting') return;
    const now_ms = this.#runtime.monotonic();
    let due_ms = this.#stateSince_ms + this.#limits.reply_ms_max;
    if (this.#welcome !== null) {
      const isOwed = this.#heartbeatId !== 0 || this.#puller.pulling || this.#histories.oldestSentAt_ms() !== null;
      const isBusy = isOwed || this.#sender.size > 0 || this.#state === 'syncing';
      due_ms = isBusy ? Math.min(now_ms + TICK_MS, this.#heartbeatDue_ms) : this.#heartbeatDue_ms;
    }
    due_ms = Math.max(now_ms, due_ms);
    if (this.#tickTimer !== null && this.#tickDue_ms <= due_ms) return;
    this.#tickTimer?.cancel();
    this.#tickDue_ms = due_ms;
    this.#tickTimer = this.#runtime.setTimer(due_ms - now_ms, () => {
      this.#tickTimer = null;
      this.#tick();
    });
  }

  // --- state and storage --------------------------------------------------------------------------------------------

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** False when a listener has moved it on: closed it. */
  #setState(state: ClientState, why: Pick<StateChange, 'reason' | 'retryIn_ms'> = {}): boolean {
    const previous = this.#state;
    assertTransition(previous, state);
    this.#state = state;
    this.#stateSince_ms = this.#runtime.monotonic();
    this.#listeners.emit('state', { state, previous, ...why });
    return this.#state === state;
  }

  #restore(saved: Saved | null): void {
    this.#isLoaded = true;
    if (saved === null) return;
    this.#savedUser = saved.user;
    // The application's own cursor stands with its own data.
    if (this.#options.cursor === undefined) this.#puller.restore(saved.cursor);
    this.#sender.restore(saved.outbox);
  }

  #save(): void {
    this.#isChanged = false;
    const { storage } = this.#options;
    if (storage === undefined) return;
    storage.save({
      version: 1,
      user: this.#user ?? this.#savedUser,
      cursor: this.#puller.cursor,
      outbox: this.#sender.list().map(({ conversationId, contentType, payload, clientMessageId }) => ({
        conversationId,
        ...(contentType === undefined ? {} : { contentType }),
        payload,
        clientMessageId,
      })),
    });
  }

  // Once a frame, not once an entry.
  #saveIfChanged(): void {
    if (!this.#isChanged) return;
    try {
      this.#save();
    } catch (error) {
      this.#onStorageFailed(error);
    }
  }

  #onStorageFailed(error: unknown): void {
    this.#listeners.emit('error', { code: 'storage_failed', message: String(error) });
  }
}
