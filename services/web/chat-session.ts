// One signed-in user on one tab: joins the SDK's client, the HTTP api and the pure parts. It draws nothing; it says when
// something changed, and whoever draws asks it.
import {
  browserRuntime,
  type ClientFailure,
  type ClientState,
  createBrowserClient,
  type EventBody,
  type FanlogClient,
  HttpApi,
  localStorageOf,
  SendRefused,
  type StateChange,
} from '../client/browser.ts';
import { errorCatalogue } from '../kernel/errors.ts';
import type { Timer } from '../kernel/runtime.ts';
import { type Conversation, ConversationBook } from './conversation-book.ts';
import { HistoryLoader } from './history-loader.ts';
import { PendingSends, type PendingState } from './pending-sends.ts';
import type { SignedIn } from './signed-in.ts';
import { StoredPositions } from './stored-positions.ts';
import { unreadOf } from './unread.ts';

/** Somebody who types or looks wants the connection back, but not with an attempt for every key. */
const RETRY_GAP_MS = 2_000;

export interface ChatSessionPort {
  /** Something that is drawn changed. */
  changed(): void;
  /** Members of this conversation came or went. */
  membersChanged(conversationId: string): void;
  /** The token is of no use any more. */
  signInAgain(): void;
  /** The same device name is in use elsewhere. */
  replaced(): void;
  /** To be told, once. */
  failed(text: string): void;
}

export class ChatSession {
  readonly api: HttpApi;
  readonly pending = new PendingSends();
  readonly history: HistoryLoader;
  book: ConversationBook;
  openId: string | null = null;
  state: ClientState = 'idle';
  isListLoaded = false;
  #signedIn: SignedIn;
  readonly #device: string;
  readonly #port: ChatSessionPort;
  readonly #positions: StoredPositions;
  #client: FanlogClient;
  /** Monotonic; null when no attempt is waited for. */
  #retryAt_ms: number | null = null;
  #retriedAt_ms = Number.NEGATIVE_INFINITY;
  #expiry: Timer | null = null;
  #isClosed = false;

  constructor(signedIn: SignedIn, device: string, port: ChatSessionPort) {
    this.#signedIn = signedIn;
    this.#device = device;
    this.#port = port;
    this.book = new ConversationBook(signedIn.user);
    this.#positions = new StoredPositions(signedIn.user, () => port.changed());
    this.#client = this.#newClient();
    const token = () => Promise.resolve(this.#signedIn.token);
    this.api = new HttpApi({ baseUrl: '', runtime: browserRuntime, token, clock: this.#client.clock });
    this.history = new HistoryLoader(this.api, {
      book: () => this.book,
      changed: () => port.changed(),
      refused: (status) => this.#onHttpStatus(status),
    });
  }

  get me(): string {
    return this.#signedIn.user;
  }

  get retryIn_ms(): number | null {
    return this.#retryAt_ms === null ? null : Math.max(0, this.#retryAt_ms - browserRuntime.monotonic());
  }

  get unreadTotal(): number {
    return this.book.list().reduce((sum, conversation) => sum + this.unread(conversation), 0);
  }

  start(): void {
    this.#startClient();
    void this.loadList();
  }

  /** The same user signed in again. */
  renew(signedIn: SignedIn): void {
    this.#signedIn = signedIn;
    this.reconnect();
    if (!this.isListLoaded) void this.loadList();
  }

  /** Tries now instead of later; with a new client if the old one gave up. */
  reconnect(): void {
    if (this.#client.state === 'closed') {
      this.#client = this.#newClient();
      this.#startClient();
    } else this.#client.retryNow();
  }

  /** The network is there again: whatever is waited for is tried now. Unlike `reconnect`, revives no closed client. */
  retryNow(): void {
    this.#client.retryNow();
  }

  /** Somebody is here again: the same, at most every two seconds. */
  retrySoon(): void {
    const now_ms = browserRuntime.monotonic();
    if (this.#client.state !== 'waiting' || now_ms - this.#retriedAt_ms < RETRY_GAP_MS) return;
    this.#retriedAt_ms = now_ms;
    this.#client.retryNow();
  }

  close(): void {
    this.#isClosed = true;
    this.#expiry?.cancel();
    this.#client.close();
    this.#positions.close();
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  async loadList(): Promise<void> {
    const { book } = this;
    let after: string | undefined;
    do {
      const reply = await this.api.myConversations(after);
      if (this.#isClosed || book !== this.book) return;
      if (!reply.ok || reply.data === null) return this.#onHttpStatus(reply.status);
      const { conversations, status } = reply.data;
      for (const summary of conversations) book.addSummary(summary);
      after = status === 'more' ? conversations.at(-1)?.conversationId : undefined;
    } while (after !== undefined);
    this.isListLoaded = true;
    this.history.loadPreviews();
    this.#port.changed();
  }

  open(id: string): Conversation {
    this.openId = id;
    this.book.trimAllBut(id);
    return this.book.open(id);
  }

  unread(conversation: Conversation): number {
    return unreadOf(conversation, this.#positions.all);
  }

  /** What was read of it, as a count of messages. */
  readOrdinal(conversation: Conversation): number {
    return conversation.ordinal - this.unread(conversation);
  }

  markRead(conversation: Conversation): void {
    if (this.unread(conversation) > 0 && this.#positions.read(conversation.id, conversation.ordinal)) {
      this.#port.changed();
    }
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  /** null when it was taken; otherwise why not, for people. */
  send(conversationId: string, text: string): string | null {
    try {
      this.#client.send(conversationId, text);
      return null;
    } catch (error) {
      if (error instanceof SendRefused) return error.message;
      throw error;
    }
  }

  /** Sends a refused message again, as a new one. */
  retry(localId: number): void {
    const pending = this.pending.find(localId);
    if (pending === undefined) return;
    const refused = this.send(pending.sent.conversationId, pending.sent.payload);
    if (refused === null) this.discard(localId);
    else this.#port.failed(refused);
  }

  discard(localId: number): void {
    this.pending.remove(localId);
    this.#port.changed();
  }

  // --- the client ---------------------------------------------------------------------------------------------------

  #newClient(): FanlogClient {
    const client = createBrowserClient({
      edges: () => this.#edges(),
      token: () => Promise.resolve(this.#signedIn.token),
      device: this.#device,
      platform: 'web',
      storage: localStorageOf(this.#device, sessionStorage),
    });
    client.on('state', (change) => this.#onState(change));
    client.on('entry', ({ event }) => this.#onEntry(event));
    client.on('send', (progress) => {
      const { message } = progress;
      const reason = progress.progress === 'rejected' ? errorCatalogue[progress.code]?.message : undefined;
      this.pending.progress(message, progress.progress satisfies PendingState, client.clock.now(), reason);
      this.#port.changed();
    });
    client.on('reset', () => this.#onReset());
    client.on('expiring', ({ expiresAt }) => this.#expectExpiry(expiresAt));
    client.on('error', (failure) => this.#onFailure(failure));
    return client;
  }

  #startClient(): void {
    const client = this.#client;
    void client.start().then(() => {
      this.pending.restart(client.outbox, client.clock.now());
      this.#port.changed();
    });
  }

  async #edges(): Promise<readonly string[]> {
    const reply = await this.api.edges();
    if (!reply.ok || reply.data === null) throw new Error(reply.message);
    return reply.data.edges;
  }

  #onState({ state, retryIn_ms }: StateChange): void {
    this.state = state;
    this.#retryAt_ms = retryIn_ms === undefined ? null : browserRuntime.monotonic() + retryIn_ms;
    if (state === 'live' && !this.isListLoaded) void this.loadList();
    if (state === 'live') this.history.retry();
    if (state === 'waiting' && this.#isExpired()) this.#port.signInAgain();
    this.#port.changed();
  }

  #onEntry(event: EventBody): void {
    const { conversationId, kind } = event;
    this.book.addEntry(event, conversationId === this.openId);
    this.pending.arrived(event);
    if (kind !== 'message') this.#port.membersChanged(conversationId);
    const { title } = this.book.open(conversationId);
    // Added to a group that others made: what it is called is not in the entry.
    if (title === '' && this.isListLoaded) void this.#loadSummary(conversationId);
    this.#port.changed();
  }

  async #loadSummary(id: string): Promise<void> {
    const reply = await this.api.conversation(id);
    if (!reply.ok || reply.data === null) return;
    this.book.addSummary(reply.data);
    this.#port.changed();
  }

  // Another numbering of the inbox: everything comes again.
  #onReset(): void {
    this.book = new ConversationBook(this.me);
    if (this.openId !== null) this.book.open(this.openId);
    this.isListLoaded = false;
    void this.loadList();
  }

  // --- the end of a session -----------------------------------------------------------------------------------------

  #isExpired(): boolean {
    return this.#client.clock.now() >= this.#signedIn.expiresAt;
  }

  #expectExpiry(expiresAt: number): void {
    this.#expiry?.cancel();
    const left_ms = Math.max(0, expiresAt - this.#client.clock.now());
    this.#expiry = browserRuntime.setTimer(left_ms, () => {
      if (this.#isExpired()) this.#port.signInAgain();
    });
  }

  #onHttpStatus(status: number): void {
    if (status === 401 && !this.#isClosed) this.#port.signInAgain();
  }

  #onFailure({ code, message }: ClientFailure): void {
    if (this.#isClosed) return;
    if (code === 'unauthenticated' || code === 'token_expired') this.#port.signInAgain();
    else if (code === 'session_replaced') this.#port.replaced();
    else this.#port.failed(message);
  }
}
