// Messages not known to be decided, in the order they were sent, and what of them is on the wire. Data only: no socket, no
// clock, no timer.
//
//        accepted, undecided     on the wire       not sent on this connection
//   first ─▶ m1 ─▶ m2 ─▶ ─────── m3 ─▶ m4 ─▶ ───── m5 ─▶ m6 ─▶ …
//                                                  ▲ cursor: the next one to go out
//
// Order. Whatever must go out again, the cursor moves BACK to the first such message, and everything from there goes out
// in order. So the log receives, on each connection, sequences in which every message follows all undecided earlier
// ones; whichever of several copies comes first, the first copies stand in the order of sending. The fold drops the rest
// by id.
import type { OutboxMessage } from './outbox-message.ts';

interface Transmission {
  readonly requestId: number;
  readonly number: number;
  readonly message: OutboxMessage;
  readonly sentAt_ms: number;
}

export class Outbox {
  readonly #messages_max: number;
  readonly #window: number;
  #first: OutboxMessage | null = null;
  #last: OutboxMessage | null = null;
  #size = 0;
  readonly #byId = new Map<string, OutboxMessage>();
  #cursor: OutboxMessage | null = null;
  /** Unanswered, by request id. Insertion order is the order of numbers. */
  readonly #onWire = new Map<number, Transmission>();
  #nextNumber = 1;

  constructor(messages_max: number, window: number) {
    this.#messages_max = messages_max;
    this.#window = window;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#messages_max;
  }

  list(): OutboxMessage[] {
    const result: OutboxMessage[] = [];
    for (let message = this.#first; message !== null; message = message.next) result.push(message);
    return result;
  }

  append(message: OutboxMessage): void {
    message.queued = true;
    message.previous = this.#last;
    if (this.#last === null) this.#first = message;
    else this.#last.next = message;
    this.#last = message;
    this.#size++;
    this.#cursor ??= message;
    if (message.clientMessageId !== null) this.#byId.set(message.clientMessageId, message);
  }

  remove(message: OutboxMessage): void {
    if (!message.queued) return;
    message.queued = false;
    if (this.#cursor === message) this.#cursor = message.next;
    if (message.previous === null) this.#first = message.next;
    else message.previous.next = message.next;
    if (message.next === null) this.#last = message.previous;
    else message.next.previous = message.previous;
    message.previous = null;
    message.next = null;
    this.#size--;
    if (message.clientMessageId !== null) this.#byId.delete(message.clientMessageId);
  }

  find(clientMessageId: string): OutboxMessage | undefined {
    return this.#byId.get(clientMessageId);
  }

  /**
   * Gives ids to the messages that the window lets out next. True when any got one: it must be saved before it goes out,
   * or a crash would make another one, and a second message.
   */
  name(makeId: () => string): boolean {
    let named = false;
    let room = this.#window - this.#onWire.size;
    for (let message = this.#cursor; message !== null && room > 0; message = message.next, room--) {
      if (message.clientMessageId !== null) continue;
      message.clientMessageId = makeId();
      this.#byId.set(message.clientMessageId, message);
      named = true;
    }
    return named;
  }

  /** The next message to go out, if the window has room. */
  peek(): OutboxMessage | null {
    return this.#onWire.size < this.#window ? this.#cursor : null;
  }

  /** The message of `peek` goes out now under this request id. Returns its number on this connection. */
  transmit(message: OutboxMessage, requestId: number, now_ms: number): number {
    const number = this.#nextNumber++;
    message.acceptedAt_ms = null;
    this.#onWire.set(requestId, { requestId, number, message, sentAt_ms: now_ms });
    this.#cursor = message.next;
    return number;
  }

  /** Null when no attempt waits for a reply to this request. */
  accepted(requestId: number, now_ms: number): OutboxMessage | null {
    const transmission = this.#onWire.get(requestId);
    if (transmission === undefined) return null;
    this.#onWire.delete(requestId);
    transmission.message.mayBeInLog = true;
    transmission.message.acceptedAt_ms = now_ms;
    return transmission.message;
  }

  /** A final refusal: its number is used up. */
  usedUp(requestId: number): OutboxMessage | null {
    const transmission = this.#onWire.get(requestId);
    if (transmission === undefined) return null;
    this.#onWire.delete(requestId);
    return transmission.message;
  }

  /**
   * A retryable refusal: the number `expected` (or the refused one) stands, and everything sent from it on goes out
   * again. Replies still to come to those attempts are nobody's. `unknown` when this request is; `impossible` when the
   * edge expects a number that was never sent.
   */
  refused(requestId: number, expected: number | undefined, mayBeInLog: boolean): 'rewound' | 'unknown' | 'impossible' {
    const refused = this.#onWire.get(requestId);
    if (refused === undefined) return 'unknown';
    const standing = expected ?? refused.number;
    if (standing < 1 || standing > refused.number) return 'impossible';
    if (mayBeInLog) refused.message.mayBeInLog = true;
    const affected = new Set<OutboxMessage>();
    for (const transmission of this.#onWire.values()) {
      if (transmission.number < standing) continue;
      this.#onWire.delete(transmission.requestId);
      affected.add(transmission.message);
    }
    this.#nextNumber = standing;
    this.#rewindTo((message) => affected.has(message));
    return 'rewound';
  }

  /** Sends again, in order, from the first message on that was accepted at `before_ms` or earlier and is undecided. */
  resendUndecided(before_ms: number): void {
    this.#rewindTo((message) => message.acceptedAt_ms !== null && message.acceptedAt_ms <= before_ms);
  }

  hasUndecided(before_ms: number): boolean {
    // Most often the first message is the oldest; at worst this looks at an outbox once a second.
    for (let message = this.#first; message !== null && message !== this.#cursor; message = message.next) {
      if (message.acceptedAt_ms !== null && message.acceptedAt_ms <= before_ms) return true;
    }
    return false;
  }

  /** When the attempt was made that waits longest for its reply; null when none waits. */
  oldestOnWire_ms(): number | null {
    for (const transmission of this.#onWire.values()) return transmission.sentAt_ms;
    return null;
  }

  /** The connection is gone: nobody knows what became of what was on the wire. Numbers start again from 1. */
  disconnected(): void {
    for (const { message } of this.#onWire.values()) message.mayBeInLog = true;
    this.#onWire.clear();
    for (let message = this.#first; message !== null; message = message.next) message.acceptedAt_ms = null;
    this.#cursor = this.#first;
    this.#nextNumber = 1;
  }

  // The cursor only moves back: the search ends where it stands.
  #rewindTo(isWanted: (message: OutboxMessage) => boolean): void {
    for (let message = this.#first; message !== null && message !== this.#cursor; message = message.next) {
      if (!isWanted(message)) continue;
      this.#cursor = message;
      return;
    }
  }
}
