// A server that says what the test tells it to, over sockets that are objects.
import assert from 'node:assert/strict';
import type { ClientSocketHandlers } from '../../../services/client/client-socket.ts';
import {
  type ClientEvents,
  type ClientOptions,
  type ConnectSocket,
  FanlogClient,
} from '../../../services/client/index.ts';
import type {
  EventBody,
  HeartbeatRequest,
  HelloRequest,
  HistoryRequest,
  InboxEntry,
  PageStatus,
  Request,
  SendRequest,
  ServerFrame,
  SyncRequest,
} from '../../../services/protocol/frames.ts';
import { FakeRuntime, settle } from './fake-runtime.ts';

export const SERVER_TIME = 1_700_000_000_000;
export const DIRECT = 'd:5:alice3:bob';

interface RequestOf {
  hello: HelloRequest;
  send: SendRequest;
  sync: SyncRequest;
  history: HistoryRequest;
  heartbeat: HeartbeatRequest;
}

export class ScriptedSocket {
  readonly url: string;
  readonly requests: Request[] = [];
  closedByClient = false;
  readonly #handlers: ClientSocketHandlers;
  #read = 0;

  constructor(url: string, handlers: ClientSocketHandlers) {
    this.url = url;
    this.#handlers = handlers;
  }

  receive(text: string): void {
    this.requests.push(JSON.parse(text));
  }

  open(): void {
    this.#handlers.onOpen();
  }

  say(frame: ServerFrame): void {
    this.#handlers.onFrame(JSON.stringify(frame));
  }

  sayText(text: string): void {
    this.#handlers.onFrame(text);
  }

  close(code: number, reason = ''): void {
    this.#handlers.onClose(code, reason);
  }

  /** Requests of a type, all that came so far. */
  all<T extends Request['type']>(type: T): RequestOf[T][] {
    return this.requests.filter((request) => request.type === type) as unknown as RequestOf[T][];
  }

  /** The next request not yet read, which must be of this type. */
  next<T extends Request['type']>(type: T): RequestOf[T] {
    const request = this.requests[this.#read++];
    assert.equal(request?.type, type, `expected ${type}, got ${JSON.stringify(request)}`);
    return request as unknown as RequestOf[T];
  }

  get unread(): number {
    return this.requests.length - this.#read;
  }

  welcome(
    head = 0,
    epoch = 1,
    more: { user?: string; frames_per_second?: number; frame_bytes_max?: number } = {},
  ): void {
    const { id } = this.next('hello');
    this.say({
      id,
      type: 'welcome',
      user: more.user ?? 'alice',
      serverTime: SERVER_TIME,
      heartbeat_ms: 25_000,
      epoch,
      head,
      limits: {
        frame_bytes_max: more.frame_bytes_max ?? 65_536,
        payload_bytes_max: 16_384,
        frames_per_second: more.frames_per_second ?? 1_000,
        page_entries_max: 100,
      },
    });
  }

  /** Answers the pull that is asked next. */
  page(entries: readonly InboxEntry[], status: PageStatus = 'end', epoch = 1): SyncRequest {
    const request = this.next('sync');
    this.say({ id: request.id, type: 'entries', epoch, entries, status });
    return request;
  }

  accept(...requests: SendRequest[]): void {
    for (const { id } of requests) this.say({ id, type: 'accepted' });
  }

  sequence(request: SendRequest, seq: number): void {
    const { conversationId, clientMessageId } = request;
    this.say({ type: 'outcome', conversationId, clientMessageId, result: 'sequenced', seq, time: SERVER_TIME });
  }

  refuse(request: { id: number }, code: 'log_unavailable' | 'overloaded' | 'out_of_turn', number?: number): void {
    this.say({
      id: request.id,
      type: 'error',
      code,
      message: code,
      retry: true,
      ...(number === undefined ? {} : { number }),
    });
  }

  push(entry: InboxEntry): void {
    this.say({ type: 'push', ...entry });
  }
}

/** An entry of alice's inbox; `own` makes it the copy of her own send. */
export function entry(inboxSeq: number, more: Partial<EventBody> = {}): InboxEntry {
  const event = {
    kind: 'message',
    conversationId: DIRECT,
    seq: inboxSeq,
    ordinal: inboxSeq,
    sender: 'bob',
    clientMessageId: `00000000-0000-7000-8000-${String(inboxSeq).padStart(12, '0')}`,
    time: SERVER_TIME,
    contentType: 'text/plain',
    payload: `text ${inboxSeq}`,
    ...more,
  } as EventBody;
  return { inboxSeq, event };
}

export function ownCopy(inboxSeq: number, request: SendRequest, seq = inboxSeq): InboxEntry {
  return entry(inboxSeq, { sender: 'alice', clientMessageId: request.clientMessageId, seq });
}

export interface Seen {
  readonly entries: number[];
  readonly states: string[];
  /** `payload progress`, as `hello sequenced`. */
  readonly sends: string[];
  readonly resets: number[];
  readonly errors: ClientEvents['error'][];
}

export class Scene {
  readonly runtime: FakeRuntime;
  readonly client: FanlogClient;
  readonly sockets: ScriptedSocket[] = [];
  readonly seen: Seen = { entries: [], states: [], sends: [], resets: [], errors: [] };
  tokens = 0;

  constructor(options: Partial<ClientOptions> = {}, runtime = new FakeRuntime()) {
    this.runtime = runtime;
    const connect: ConnectSocket = (url, handlers) => {
      const socket = new ScriptedSocket(url, handlers);
      this.sockets.push(socket);
      return {
        send: (text) => socket.receive(text),
        close: () => {
          socket.closedByClient = true;
        },
      };
    };
    const token = () => Promise.resolve(`token ${++this.tokens}`);
    this.client = new FanlogClient({ edges: ['ws://edge'], token, device: 'test', runtime, connect, ...options });
    const { seen } = this;
    this.client.on('entry', ({ inboxSeq }) => seen.entries.push(inboxSeq));
    this.client.on('state', ({ state }) => seen.states.push(state));
    this.client.on('send', ({ message, progress }) => seen.sends.push(`${message.payload} ${progress}`));
    this.client.on('reset', ({ epoch }) => seen.resets.push(epoch));
    this.client.on('error', (error) => seen.errors.push(error));
  }

  get socket(): ScriptedSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket !== undefined, 'the client has not connected');
    return socket;
  }

  /** Starts and opens the first socket. */
  async opened(): Promise<ScriptedSocket> {
    await this.client.start();
    await settle();
    this.socket.open();
    return this.socket;
  }

  /** Connected, pulled to the head (0), live. */
  async live(): Promise<ScriptedSocket> {
    const socket = await this.opened();
    socket.welcome();
    socket.page([]);
    assert.equal(this.client.state, 'live');
    return socket;
  }

  /** Waits for the next attempt to connect and opens it. */
  async reconnected(): Promise<ScriptedSocket> {
    const count = this.sockets.length;
    for (let i = 0; this.sockets.length === count && i < 60; i++) await this.runtime.pass(1_000);
    assert.equal(this.sockets.length, count + 1, 'the client did not connect again');
    this.socket.open();
    return this.socket;
  }
}
