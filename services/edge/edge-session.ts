// One connection: what it may say when, and what it is told. All sessions of a node share its timers, queues and ports
// (SessionHost), so that an idle session is a few fields: 1 kB of heap with everything that belongs to it.
//
//   new ── hello ──▶ greeting ── token, registry, head ──▶ open ──▶ closed
//
// Requests that come during `greeting` wait (a bounded number of them) and are served in order after the welcome.

import type { Outcome } from '../events/outcome.ts';
import { type ErrorCode, type ErrorEntry, errorCatalogue, type Refusal, refusal } from '../kernel/errors.ts';
import {
  encodeAccepted,
  encodeError,
  encodeFrame,
  encodeHeartbeat,
  encodeOutcome,
  type SharedPush,
} from '../protocol/encode-frame.ts';
import type { HelloRequest, Request, SendRequest } from '../protocol/frames.ts';
import { parseRequest, type RefusedRequest } from '../protocol/parse-request.ts';
import type { ConnectedUser } from './connected-user.ts';
import type { EdgeSocket } from './edge-socket.ts';
import type { SendOrigin } from './pending-send.ts';
import type { ReadRequest } from './serve-reads.ts';
import type { SessionHost } from './session-host.ts';
import type { FrameQueue, WritableSession } from './tick-writer.ts';

/** A client that does not wait for its welcome: a sync and some sends fit. */
const REQUESTS_BEFORE_WELCOME_MAX = 16;
/** Pulls and history requests of one session that wait for the one being served. */
const READS_WAITING_MAX = 8;
/** `expiring` comes this long before the end, or a tenth of the token's remaining life if that is less. */
const EXPIRY_WARNING_MS = 60_000;
/** ... but never so shortly before that no sweep falls in between. */
const EXPIRY_WARNING_MS_MIN = 2_500;

export class EdgeSession implements WritableSession, SendOrigin {
  /** Unique on this node; part of a command's origin. */
  readonly number: number;
  readonly socket: EdgeSocket;
  readonly #host: SessionHost;
  #state: 'new' | 'greeting' | 'open' | 'closed' = 'new';
  #user: ConnectedUser | null = null;
  /** The numbering that the client's cursor is of, as far as this node has told it. */
  #epoch = 0;
  device = '';
  queue: FrameQueue | null = null;
  lagging = false;
  missedPush = false;
  /** The number that the next send must have. */
  #nextSend = 1;
  #early: (Request | RefusedRequest)[] | null = null;
  #reading = false;
  #reads: ReadRequest[] | null = null;
  /** Monotonic. */
  #lastFrameAt: number;
  /** Monotonic: when the frames so far would have come at exactly the rate allowed (a token bucket in one number). */
  #frameDueAt = 0;
  /** Monotonic: when to tell `behind`; 0 for never. */
  #behindAt = 0;
  #warnAt = Number.POSITIVE_INFINITY;
  #expiresAt = Number.POSITIVE_INFINITY;

  constructor(host: SessionHost, socket: EdgeSocket, number: number) {
    this.#host = host;
    this.socket = socket;
    this.number = number;
    this.#lastFrameAt = host.runtime.monotonic();
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  get user(): string {
    return this.#user?.user ?? '';
  }

  // --- from the socket

  /** A text frame. The bytes are not kept. */
  onFrame(bytes: Uint8Array): void {
    if (this.#state === 'closed' || !this.#countFrame()) return;
    try {
      this.#take(parseRequest(bytes, this.#host.limits));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A binary frame: nothing that this subprotocol has. */
  onBinaryFrame(): void {
    if (this.#state !== 'closed') this.#refuse(null, refusal('bad_frame', 'binary'));
  }

  /** The socket's buffer has room again. */
  onWritable(): void {
    this.#host.writer.resume(this);
    this.#serveNextRead();
  }

  /** The socket is gone. */
  onClose(): void {
    if (this.#state === 'closed') return;
    this.#leave();
  }

  // --- from the node

  /** An inbox entry of this session's user. */
  push(push: SharedPush, inboxSeq: number): void {
    // Before the welcome: the entry is in the head that the welcome will name.
    if (this.#state !== 'open') return;
    const { epoch, writer, runtime } = this.#host;
    // By a client of another numbering it could be taken for the entry after its cursor. Its next pull tells it.
    if (this.#epoch === epoch) writer.push(this, push, inboxSeq);
    else this.tellBehindAt(runtime.monotonic());
  }

  tellBehind(): void {
    if (this.#state !== 'open') return;
    this.#behindAt = 0;
    this.#host.writer.behind(this);
  }

  /** `behind` at some time soon, when a sweep passes. */
  tellBehindAt(at: number): void {
    if (this.#behindAt === 0) this.#behindAt = at;
  }

  tellOutcome(conversationId: string, clientMessageId: string, outcome: Outcome): void {
    if (this.#state !== 'open') return;
    const text = encodeOutcome(conversationId, clientMessageId, outcome);
    if (text !== null) this.#host.writer.hint(this, text);
  }

  /** Ends the connection with an error of the catalogue that closes. */
  close(code: ErrorCode): void {
    if (this.#state === 'closed') return;
    this.#host.writer.write(this);
    const entry: ErrorEntry = errorCatalogue[code];
    // `write` may have found the socket dead.
    if (this.closed) return;
    this.#leave();
    this.socket.end(entry.close ?? errorCatalogue.internal.close, code);
  }

  /** Called about once a second, instead of timers. `now`: wall clock. */
  sweep(monotonic: number, now: number): void {
    const { limits } = this.#host;
    if (this.#state === 'closed') return;
    const silent_ms = monotonic - this.#lastFrameAt;
    if (this.#state === 'new' && silent_ms > limits.hello_within_ms) {
      this.close('hello_timeout');
      return;
    }
    if (silent_ms > 2 * limits.heartbeat_ms) {
      this.close('half_open');
      return;
    }
    if (now >= this.#expiresAt) {
      this.close('token_expired');
      return;
    }
    if (now >= this.#warnAt && this.#state === 'open') {
      this.#warnAt = Number.POSITIVE_INFINITY;
      this.#host.writer.reply(this, encodeFrame({ type: 'expiring', expiresAt: this.#expiresAt }));
    }
    if (this.#behindAt !== 0 && monotonic >= this.#behindAt) this.tellBehind();
    if (this.#state === 'open') this.#host.checkHead(this.#user!, monotonic);
  }

  onReplyOverflow(): void {
    this.close('too_many_frames');
  }

  // --- frames

  /** False when it was one too many, and the end. */
  #countFrame(): boolean {
    const { limits, runtime } = this.#host;
    const now = runtime.monotonic();
    const interval_ms = 1000 / limits.frames_per_second;
    // Until the hello it stands at the beginning, so that nothing but a hello stops that clock.
    if (this.#state !== 'new') this.#lastFrameAt = now;
    this.#frameDueAt = Math.max(this.#frameDueAt, now) + interval_ms;
    if (this.#frameDueAt - now <= limits.frames_burst * interval_ms + 0.001) return true;
    this.close('too_many_frames');
    return false;
  }

  #take(request: Request | RefusedRequest): void {
    if (this.#state === 'open') this.#serve(request);
    else if (this.#state === 'greeting') this.#keepForLater(request);
    else if (request.type === 'hello') this.#startHello(request);
    else this.#refuseBeforeHello(request);
  }

  #keepForLater(request: Request | RefusedRequest): void {
    this.#early ??= [];
    if (this.#early.length >= REQUESTS_BEFORE_WELCOME_MAX) this.#refuse(request.id, refusal('too_many_requests'));
    else this.#early.push(request);
  }

  /** A hello with a wrong field may be said again. Of anything else, that it is no frame says more than that it came early. */
  #refuseBeforeHello(request: Request | RefusedRequest): void {
    const tells = request.type === 'refused' && (request.isHello || 'close' in errorCatalogue[request.refused.code]);
    this.#refuse(request.id, tells ? request.refused : refusal('hello_expected'));
  }

  #serve(request: Request | RefusedRequest): void {
    switch (request.type) {
      case 'send':
        this.#send(request);
        break;
      case 'heartbeat':
        this.#answerHeartbeat(request.id);
        break;
      case 'sync':
      case 'history':
        this.#read(request);
        break;
      case 'hello':
        this.#refuse(request.id, refusal('hello_repeated'));
        break;
      case 'refused':
        this.#refuseRequest(request);
        break;
    }
  }

  #answerHeartbeat(id: number): void {
    const { writer, runtime } = this.#host;
    writer.reply(this, encodeHeartbeat(id, Math.floor(runtime.now()), this.#user!.head));
  }

  #refuseRequest({ id, number, refused }: RefusedRequest): void {
    if (number !== null) {
      if (number !== this.#nextSend) {
        this.#refuseTurn(id);
        return;
      }
      // A final refusal uses the number up.
      this.#nextSend++;
    }
    this.#refuse(id, refused);
  }

  #refuse(id: number | null, refused: Refusal): void {
    this.#host.metrics.add('edge_refused');
    this.#host.writer.reply(this, encodeError(id, refused));
    if ('close' in errorCatalogue[refused.code]) this.close(refused.code);
  }

  // --- hello

  #startHello(request: HelloRequest): void {
    this.#state = 'greeting';
    this.#lastFrameAt = this.#host.runtime.monotonic();
    this.#greet(request).catch((error: unknown) => this.#fail(error));
  }

  async #greet(request: HelloRequest): Promise<void> {
    const host = this.#host;
    const identity = await host.authenticator.verify(request.token);
    if (this.closed) return;
    if ('code' in identity) {
      this.#refuseHello(request.id, identity);
      return;
    }
    const user = host.attach(this, identity.user, request.device);
    if ('code' in user) {
      this.#refuseHello(request.id, user);
      return;
    }
    this.#user = user;
    // t3 before t4: whoever looks the user up from here on finds us, and what was written before is in the head.
    await host.ensureRegistered(user);
    if (this.closed) return;
    const head = await host.readHead(user);
    if (this.closed) return;
    if (head === null) {
      host.detach(this, user);
      this.#user = null;
      this.#refuseHello(request.id, refusal('store_unavailable'));
      return;
    }
    this.#welcome(request.id, user, identity.expiresAt);
  }

  #welcome(id: number, user: ConnectedUser, expiresAt: number): void {
    const { writer, runtime, limits, epoch } = this.#host;
    const now = Math.floor(runtime.now());
    this.#expiresAt = expiresAt;
    this.#warnAt = expiresAt - Math.max(EXPIRY_WARNING_MS_MIN, Math.min(EXPIRY_WARNING_MS, (expiresAt - now) / 10));
    this.#state = 'open';
    this.#epoch = epoch;
    const frame = encodeFrame({
      id,
      type: 'welcome',
      user: user.user,
      serverTime: now,
      heartbeat_ms: limits.heartbeat_ms,
      epoch,
      head: user.head,
      limits: {
        frame_bytes_max: limits.frame_bytes_max,
        payload_bytes_max: limits.payload_bytes_max,
        frames_per_second: limits.frames_per_second,
        page_entries_max: limits.page_entries_max,
      },
    });
    writer.reply(this, frame);
    const early = this.#early;
    this.#early = null;
    if (early !== null) for (const request of early) if (!this.closed) this.#serve(request);
  }

  /** Unless the refusal ends the connection the client may say hello again, here or elsewhere. What came early is refused too. */
  #refuseHello(id: number, refused: Refusal): void {
    this.#state = 'new';
    this.#lastFrameAt = this.#host.runtime.monotonic();
    const early = this.#early;
    this.#early = null;
    this.#refuse(id, refused);
    if (early !== null) for (const request of early) if (!this.closed) this.#refuse(request.id, refused);
  }

  // --- sends

  #send(request: SendRequest): void {
    if (request.number !== this.#nextSend) {
      this.#refuseTurn(request.id);
      return;
    }
    const refused = this.#host.appendSend(this, request);
    if (refused !== null) {
      this.#refuse(request.id, refused);
      return;
    }
    this.#nextSend++;
  }

  onSendAccepted(id: number): void {
    if (this.#state === 'open') this.#host.writer.reply(this, encodeAccepted(id));
  }

  /** Called in the order of the numbers: the first one that failed is the one that is wanted again. */
  onSendRefused(id: number, number: number, refused: Refusal): void {
    if (this.#state !== 'open') return;
    if (number >= this.#nextSend) {
      this.#refuseTurn(id);
      return;
    }
    this.#nextSend = number;
    this.#refuse(id, refused);
  }

  #refuseTurn(id: number | null): void {
    this.#host.metrics.add('edge_refused');
    const number = this.#nextSend;
    const refused = refusal('out_of_turn', `Number ${number} is expected next`);
    this.#host.writer.reply(this, encodeError(id, refused, { number }));
  }

  // --- reads: one at a time

  #read(request: ReadRequest): void {
    this.#reads ??= [];
    if (this.#reads.length >= READS_WAITING_MAX) {
      this.#refuse(request.id, refusal('too_many_requests'));
      return;
    }
    this.#reads.push(request);
    this.#serveNextRead();
  }

  /** Not while the socket is full: a page it does not take would only wait in memory. */
  #serveNextRead(): void {
    if (this.#reading || this.lagging || this.#state !== 'open') return;
    const request = this.#nextRead();
    if (request === null) return;
    this.#reading = true;
    this.#host.serveRead(this.#user!, request).then(
      (text) => this.#onRead(text),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The next one that is of the epoch in force; the others are told which that is. */
  #nextRead(): ReadRequest | null {
    const { writer, metrics, epoch } = this.#host;
    for (let request = this.#reads?.shift(); request !== undefined; request = this.#reads?.shift()) {
      if (this.#reads?.length === 0) this.#reads = null;
      if (request.type !== 'sync') return request;
      if (request.cursor.epoch === epoch) {
        this.#epoch = epoch;
        return request;
      }
      metrics.add('edge_refused');
      writer.reply(this, encodeError(request.id, refusal('epoch_changed'), { epoch }));
    }
    return null;
  }

  #onRead(text: string): void {
    this.#reading = false;
    if (this.#state !== 'open') return;
    this.#host.writer.reply(this, text);
    this.#serveNextRead();
  }

  // --- the end

  /** A bug of ours. The client connects again. */
  #fail(error: unknown): void {
    this.#host.logger.error('a session failed', {
      session: this.number,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    this.close('internal');
  }

  #leave(): void {
    this.#state = 'closed';
    this.queue = null;
    this.#early = null;
    this.#reads = null;
    this.#host.onSessionClosed(this, this.#user);
  }
}
