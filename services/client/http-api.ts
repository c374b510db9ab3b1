// The HTTP api, typed. Every answer is a value of one shape; no method rejects, `dataOf` throws for those who want that.
// Commands are repeated under one Idempotency-Key until they are decided, so that calling once is deciding once.
import { directConversationId } from '../events/ids.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import { type Runtime, sleep } from '../kernel/runtime.ts';
import type { EventBody, PageStatus } from '../protocol/frames.ts';
import { backoff_ms } from './backoff.ts';
import { ServerClock } from './server-clock.ts';

export interface ApiReply<T> {
  /** The command was decided, or the question answered. Only then is `data` what the method says. */
  readonly ok: boolean;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: 'ok' | 'unreachable' | ErrorCode;
  readonly message: string;
  readonly data: T | null;
  readonly requestId: string;
  /** What was asked, for people: method and address. */
  readonly request: string;
}

/** What `dataOf` throws. */
export class ApiRefused extends Error {
  readonly code: ApiReply<unknown>['code'];
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor({ code, status, message, request }: ApiReply<unknown>) {
    super(`${code}: ${message} (${request})`);
    this.name = 'ApiRefused';
    this.code = code;
    this.status = status;
  }
}

/** The data of a reply that is `ok`. @throws ApiRefused for any other */
export function dataOf<T>(reply: ApiReply<T>): T {
  if (!reply.ok || reply.data === null) throw new ApiRefused(reply);
  return reply.data;
}

export interface Session {
  readonly user: string;
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface Edges {
  /** Addresses of WebSockets. */
  readonly edges: readonly string[];
  readonly serverTime: number;
}

export interface Conversation {
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  /** Empty for a direct conversation. */
  readonly title: string;
  /** The last event known to the server, or the last one the reader may see. */
  readonly seq: number;
  readonly ordinal: number;
  readonly time: number;
  /** null once the reader has left. */
  readonly role: 'owner' | 'admin' | 'member' | null;
  readonly joinedSeq: number;
  readonly leftSeq: number | null;
}

export interface CommandOutcome {
  readonly conversationId: string;
  readonly commandId: string;
  /** `unchanged`: nothing was to be done. */
  readonly result: 'sequenced' | 'unchanged';
  readonly seq?: number;
  readonly time?: number;
  readonly repeat?: boolean;
  /** After a group was made or members were added: what the inbox will know a moment later. */
  readonly conversation?: Conversation | null;
}

export interface Member {
  readonly user: string;
  readonly role: 'owner' | 'admin' | 'member';
  readonly joinedSeq: number;
}

export interface HttpApiOptions {
  /** Without a slash at its end; empty in a page of the same origin. */
  readonly baseUrl: string;
  readonly runtime: Runtime;
  /** For everything but accounts, sessions, edges and time. */
  readonly token?: () => Promise<string>;
  /** For `createToken` only. Never in a browser. */
  readonly appKey?: string;
  /** Shared with a client, it knows the server's time without asking. */
  readonly clock?: ServerClock;
  readonly fetch?: typeof globalThis.fetch;
}

interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isPublic?: boolean;
}

// A command is decided within 10 s or answered with 202; an answer that takes longer is none.
const ANSWER_MS_MAX = 15_000;
/** A command is repeated this long. Its id stays good for 10 minutes, people are not. */
const COMMAND_MS_MAX = 60_000;
const REPEAT_BACKOFF = { base_ms: 500, cap_ms: 5_000 };

export class HttpApi {
  readonly #options: HttpApiOptions;
  readonly #runtime: Runtime;
  readonly #fetch: typeof globalThis.fetch;
  readonly clock: ServerClock;

  constructor(options: HttpApiOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.clock = options.clock ?? new ServerClock(options.runtime);
  }

  /** Makes an account and signs in. */
  register(user: string, password: string): Promise<ApiReply<Session>> {
    return this.#call('POST', '/v1/accounts', { body: { user, password }, isPublic: true });
  }

  signIn(user: string, password: string): Promise<ApiReply<Session>> {
    return this.#call('POST', '/v1/sessions', { body: { user, password }, isPublic: true });
  }

  /** A token for any user, by the application's key; an unknown user comes to exist. */
  createToken(user: string, ttl_s?: number): Promise<ApiReply<Session>> {
    const headers = { 'x-fanlog-app-key': this.#options.appKey ?? '' };
    return this.#call('POST', '/v1/tokens', { body: { user, ttl_s }, headers, isPublic: true });
  }

  async edges(): Promise<ApiReply<Edges>> {
    const reply = await this.#call<Edges>('GET', '/v1/edges', { isPublic: true });
    this.#learn(reply.data);
    return reply;
  }

  /** Sets the clock that ids are made from. */
  async time(): Promise<ApiReply<{ readonly serverTime: number }>> {
    const reply = await this.#call<{ readonly serverTime: number }>('GET', '/v1/time', { isPublic: true });
    this.#learn(reply.data);
    return reply;
  }

  /** `key`: to repeat a call of before, its Idempotency-Key; without one the call makes its own. */
  createGroup(title: string, members: readonly string[], key?: string): Promise<ApiReply<CommandOutcome>> {
    return this.#command('POST', '/v1/conversations', { kind: 'group', title, members }, key);
  }

  /** The id of the direct conversation of two users: computed, nothing is asked or created. */
  directId(user: string, other: string): string {
    return directConversationId(user, other);
  }

  addMembers(conversationId: string, members: readonly string[], key?: string): Promise<ApiReply<CommandOutcome>> {
    return this.#command('POST', `${pathOf(conversationId)}/members`, { members }, key);
  }

  removeMember(conversationId: string, user: string, key?: string): Promise<ApiReply<CommandOutcome>> {
    const path = `${pathOf(conversationId)}/members/${encodeURIComponent(user)}`;
    return this.#command('DELETE', path, undefined, key);
  }

  leave(conversationId: string, key?: string): Promise<ApiReply<CommandOutcome>> {
    return this.#command('POST', `${pathOf(conversationId)}/leave`, undefined, key);
  }

  /** By id. With the status `more`: the next page is after the last one here. */
  myConversations(
    after?: string,
  ): Promise<ApiReply<{ readonly conversations: readonly Conversation[]; readonly status: 'more' | 'end' }>> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    return this.#call('GET', `/v1/conversations${query}`, {});
  }

  conversation(conversationId: string): Promise<ApiReply<Conversation>> {
    return this.#call('GET', pathOf(conversationId), {});
  }

  members(conversationId: string): Promise<ApiReply<{ readonly members: readonly Member[] }>> {
    return this.#call('GET', `${pathOf(conversationId)}/members`, {});
  }

  history(
    conversationId: string,
    range: { readonly before?: number; readonly after?: number; readonly limit?: number },
  ): Promise<ApiReply<{ readonly events: readonly EventBody[]; readonly status: PageStatus }>> {
    const query = Object.entries(range)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    return this.#call('GET', `${pathOf(conversationId)}/events?${query}`, {});
  }

  // The id is made once, before the first attempt. Whatever leaves the outcome unknown is asked again with it.
  async #command<T>(method: string, path: string, body: unknown, key: string | undefined): Promise<ApiReply<T>> {
    if (key === undefined && this.clock.offset_ms === null) {
      const reply = await this.time();
      if (!reply.ok) return { ...reply, data: null };
    }
    const headers = { 'idempotency-key': key ?? this.clock.makeId() };
    const startedAt_ms = this.#runtime.monotonic();
    for (let attempt = 0; ; attempt++) {
      const reply = await this.#call<T>(method, path, { body, headers });
      const isUnknown = reply.status === 0 || reply.status === 202 || reply.status === 503;
      if (!isUnknown || this.#runtime.monotonic() - startedAt_ms > COMMAND_MS_MAX) return reply;
      await sleep(this.#runtime, backoff_ms(this.#runtime, REPEAT_BACKOFF, attempt));
    }
  }

  async #call<T>(method: string, path: string, { body, headers, isPublic }: Call): Promise<ApiReply<T>> {
    const { token, baseUrl } = this.#options;
    const url = `${baseUrl}${path}`;
    const request = `${method} ${url}`;
    const abort = new AbortController();
    const timer = this.#runtime.setTimer(ANSWER_MS_MAX, () => abort.abort());
    try {
      const all: Record<string, string> = { ...headers };
      if (body !== undefined) all['content-type'] = 'application/json';
      if (isPublic !== true && token !== undefined)
        all.authorization = `Bearer ${await unlessAborted(token(), abort.signal)}`;
      const init: RequestInit = { method, headers: all, signal: abort.signal };
      if (body !== undefined) init.body = JSON.stringify(body);
      const response = await this.#fetch(url, init);
      return replyOf(request, response.status, await response.json());
    } catch (error) {
      return { ok: false, status: 0, code: 'unreachable', message: String(error), data: null, requestId: '', request };
    } finally {
      timer.cancel();
    }
  }

  #learn(data: { readonly serverTime: number } | null): void {
    if (data !== null) this.clock.learn(data.serverTime);
  }
}

/** What the application promised may never come. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('token() took too long')), { once: true });
    promise.then(resolve, reject);
  });
}

function pathOf(conversationId: string): string {
  return `/v1/conversations/${encodeURIComponent(conversationId)}`;
}

function replyOf<T>(
  request: string,
  status: number,
  body: Omit<ApiReply<T>, 'ok' | 'status' | 'request'>,
): ApiReply<T> {
  // 202 is no answer yet: the command is not decided.
  const ok = status >= 200 && status < 300 && status !== 202;
  const { code, message, data, requestId } = body;
  return { ok, status, code, message, data: data ?? null, requestId, request };
}
