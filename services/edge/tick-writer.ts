// Gathers what one turn of the event loop has for a socket and writes it together: the write call is most of what a frame
// costs. Frames of a session leave in the order they were put.
//
// A full socket drops frames. A dropped push is a gap: no more pushes until the socket is writable again, then `behind`.
// A dropped reply is kept, because every request gets exactly one; their number is bounded.
import { type Metrics, Moments } from '../kernel/metrics.ts';
import type { Runtime } from '../kernel/runtime.ts';
import { BEHIND_TEXT, type SharedPush } from '../protocol/encode-frame.ts';
import type { EdgeSocket } from './edge-socket.ts';

/** Replies kept for a socket that takes none. A client with more requests open does not read at all. */
const HELD_REPLIES_MAX = 256;
/** Queues kept for the next tick; beyond, a tick that reached very many sockets leaves garbage. */
const SPARE_QUEUES_MAX = 1_024;

/** Alternating: a text and 0, or a push and its recipient's inboxSeq. One array, so that a frame costs no object. */
export type FrameQueue = (string | SharedPush | number)[];

/** The part of a session that is written to. */
export interface WritableSession {
  readonly socket: EdgeSocket;
  /** null while nothing waits, which is nearly always: an idle session has no array. */
  queue: FrameQueue | null;
  /** The socket dropped a frame and is not writable yet. */
  lagging: boolean;
  /** A push was dropped since the last `behind`. */
  missedPush: boolean;
  readonly closed: boolean;
  /** Its held replies are too many. */
  onReplyOverflow(): void;
}

export class TickWriter {
  readonly #runtime: Runtime;
  readonly #metrics: Metrics;
  /** Of what was written since the last count: a push's moment is its event's time. */
  #pushes = 0;
  #behinds = 0;
  readonly #pushedFrom = new Moments();
  #dirty: WritableSession[] = [];
  #scheduled = false;
  readonly #spare: FrameQueue[] = [];
  #writing: WritableSession | null = null;
  readonly #flush = () => {
    this.#scheduled = false;
    const sessions = this.#dirty;
    this.#dirty = [];
    for (const session of sessions) this.#write(session);
    this.#count();
  };
  readonly #writeCorked = () => this.#writeAll(this.#writing!);

  constructor(runtime: Runtime, metrics: Metrics) {
    this.#runtime = runtime;
    this.#metrics = metrics;
  }

  reply(session: WritableSession, text: string): void {
    this.#put(session, text, 0);
    if (session.lagging && session.queue!.length > 2 * HELD_REPLIES_MAX) session.onReplyOverflow();
  }

  push(session: WritableSession, push: SharedPush, inboxSeq: number): void {
    if (session.lagging) session.missedPush = true;
    else this.#put(session, push, inboxSeq);
  }

  /** A text that nobody waits for: lost while lagging, as the `behind` that follows makes up for it. */
  hint(session: WritableSession, text: string): void {
    if (session.lagging) session.missedPush = true;
    else this.#put(session, text, 0);
  }

  behind(session: WritableSession): void {
    this.hint(session, BEHIND_TEXT);
  }

  /** The socket takes frames again. */
  resume(session: WritableSession): void {
    if (!session.lagging || session.closed) return;
    session.lagging = false;
    const { missedPush } = session;
    session.missedPush = false;
    if (missedPush) this.#put(session, BEHIND_TEXT, 0);
    this.write(session);
  }

  /** Writes what waits for this session now. */
  write(session: WritableSession): void {
    this.#write(session);
    this.#count();
  }

  #write(session: WritableSession): void {
    const { queue } = session;
    if (queue === null || session.closed || session.lagging) return;
    if (queue.length === 2) {
      this.#writeAll(session);
    } else {
      this.#writing = session;
      session.socket.cork(this.#writeCorked);
      this.#writing = null;
    }
  }

  #put(session: WritableSession, item: string | SharedPush, inboxSeq: number): void {
    if (session.queue === null) {
      session.queue = this.#spare.pop() ?? [];
      if (!session.lagging) this.#dirty.push(session);
    }
    session.queue.push(item, inboxSeq);
    if (this.#scheduled || session.lagging) return;
    this.#scheduled = true;
    queueMicrotask(this.#flush);
  }

  #writeAll(session: WritableSession): void {
    const queue = session.queue!;
    session.queue = null;
    for (let i = 0; i < queue.length && !session.closed; i += 2) {
      const item = queue[i] as string | SharedPush;
      const frame = typeof item === 'string' ? item : item.frameFor(queue[i + 1] as number);
      if (session.socket.send(frame) === 'dropped') {
        this.#hold(session, queue, i);
        return;
      }
      if (typeof item !== 'string') {
        this.#pushes++;
        this.#pushedFrom.add(item.time);
      } else if (item === BEHIND_TEXT) {
        this.#behinds++;
      }
    }
    queue.length = 0;
    if (this.#spare.length < SPARE_QUEUES_MAX) this.#spare.push(queue);
  }

  /** Once a tick, however many sockets were written to. */
  #count(): void {
    if (this.#behinds > 0) this.#metrics.add('edge_behind', this.#behinds);
    this.#behinds = 0;
    if (this.#pushes === 0) return;
    this.#metrics.add('edge_delivered', this.#pushes);
    this.#pushedFrom.observeAt(this.#runtime.now(), this.#metrics.latency('socket'));
    this.#pushedFrom.clear();
    this.#pushes = 0;
  }

  /** The frame at `from` was dropped: keeps the replies from there on, forgets the pushes. */
  #hold(session: WritableSession, queue: FrameQueue, from: number): void {
    session.lagging = true;
    const held: FrameQueue = [];
    for (let i = from; i < queue.length; i += 2) {
      const item = queue[i]!;
      if (typeof item === 'string' && item !== BEHIND_TEXT) held.push(item, 0);
      else session.missedPush = true;
    }
    session.queue = held.length > 0 ? held : null;
  }
}
