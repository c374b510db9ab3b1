// What clients were told and shown, read off the wire before the SDK makes sense of it: every push, page, receipt,
// outcome and refusal. Nothing is believed; check-ledger.ts compares it with the log.
import type { ConnectSocket } from '../../../services/client/index.ts';
import type { ErrorReply, EventBody, ServerFrame } from '../../../services/protocol/frames.ts';
import type { Seen } from '../../simulation/checker/check-clients.ts';
import { commandKey } from '../../simulation/checker/replayed-log.ts';
import type { Violations } from '../../simulation/checker/violations.ts';

type Told = Seen['outcomes'][number];

export interface Attempt {
  /** performance.now() */
  readonly at_ms: number;
  readonly device: string;
  readonly url: string;
}

/** A refusal that leaves the request to be repeated. */
export interface RefusedForNow {
  readonly at_ms: number;
  readonly device: string;
  readonly what: 'send' | 'pull' | 'other';
  readonly code: string;
}

export interface PushSeen {
  readonly at_ms: number;
  readonly inboxSeq: number;
}

export class Observations implements Seen {
  /** What anyone saw at (user, inboxSeq). */
  readonly entries = new Map<string, { readonly user: string; readonly inboxSeq: number; readonly event: EventBody }>();
  /** None is asked for. */
  readonly history: Seen['history'] = new Map();
  readonly outcomes: Told[] = [];
  /** (sender, command id) of every send whose receipt came. */
  readonly accepted = new Set<string>();
  /** When each of them came. */
  readonly acceptedAt_ms: number[] = [];
  /** When the send left that each of them is for. */
  readonly acceptedSentAt_ms: number[] = [];
  /** Every connection that was opened, or tried. */
  readonly attempts: Attempt[] = [];
  readonly refusals: RefusedForNow[] = [];
  /** The last push that each device got. */
  readonly lastPush = new Map<string, PushSeen>();
  /** Of sends on the wire that were not acknowledged yet, by client message id. */
  readonly #payloads = new Map<string, string>();
  readonly #violations: Violations;
  readonly #onAcknowledged: (payload: string) => void;

  /** `onAcknowledged`: called with a send's payload at each receipt, and each outcome that is none of a refusal. */
  constructor(violations: Violations, onAcknowledged: (payload: string) => void = () => {}) {
    this.#violations = violations;
    this.#onAcknowledged = onAcknowledged;
  }

  /** `connect`, watched. */
  watch(connect: ConnectSocket, user: string, device: string): ConnectSocket {
    return (url, handlers) => {
      this.attempts.push({ at_ms: performance.now(), device, url });
      /** What each request of this connection was about. */
      const requests = new Map<number, SentRequest>();
      const socket = connect(url, {
        ...handlers,
        onOpen: () => handlers.onOpen(),
        onFrame: (text) => {
          this.#onFrame(user, device, requests, JSON.parse(text) as ServerFrame);
          handlers.onFrame(text);
        },
        onClose: (code, reason) => handlers.onClose(code, reason),
      });
      return {
        send: (text) => {
          const request = JSON.parse(text) as Request & { readonly id: number };
          requests.set(request.id, { ...request, sentAt_ms: performance.now() });
          if (request.clientMessageId !== undefined && request.payload !== undefined)
            this.#payloads.set(request.clientMessageId, request.payload);
          socket.send(text);
        },
        close: (code, reason) => socket.close(code, reason),
      };
    };
  }

  /** What the HTTP api answered. */
  onHttpOutcome(user: string, commandId: string, outcome: Told['outcome']): void {
    this.outcomes.push({ user, commandId, outcome });
  }

  #onFrame(user: string, device: string, requests: Map<number, SentRequest>, frame: ServerFrame): void {
    switch (frame.type) {
      case 'push':
        this.#see(user, frame.inboxSeq, frame.event);
        this.lastPush.set(device, { at_ms: performance.now(), inboxSeq: frame.inboxSeq });
        break;
      case 'entries':
        for (const { inboxSeq, event } of frame.entries) this.#see(user, inboxSeq, event);
        requests.delete(frame.id);
        break;
      case 'accepted':
        this.#onAccepted(user, requests.get(frame.id));
        requests.delete(frame.id);
        break;
      case 'outcome': {
        const { result, seq, code } = frame;
        const outcome = { result, ...(seq === undefined ? {} : { seq }), ...(code === undefined ? {} : { code }) };
        this.outcomes.push({ user, commandId: frame.clientMessageId, outcome });
        if (result === 'sequenced') this.#acknowledge(frame.clientMessageId);
        break;
      }
      case 'error':
        this.#onError(user, device, frame.id === null ? undefined : requests.get(frame.id), frame);
        break;
    }
  }

  /** A number that once meant one thing never means another. */
  #see(user: string, inboxSeq: number, event: EventBody): void {
    const key = `${user} ${inboxSeq}`;
    const before = this.entries.get(key);
    if (before === undefined) this.entries.set(key, { user, inboxSeq, event });
    else if (JSON.stringify(before.event) !== JSON.stringify(event))
      this.#violations.add(`inboxSeq ${inboxSeq} of ${user} was seen with two contents`, 'renumbered');
  }

  #onAccepted(user: string, request: SentRequest | undefined): void {
    if (request?.clientMessageId === undefined) {
      this.#violations.add(`${user} was told accepted and sent nothing`);
      return;
    }
    this.accepted.add(commandKey(user, request.clientMessageId));
    this.acceptedAt_ms.push(performance.now());
    this.acceptedSentAt_ms.push(request.sentAt_ms);
    this.#acknowledge(request.clientMessageId);
  }

  #acknowledge(clientMessageId: string): void {
    const payload = this.#payloads.get(clientMessageId);
    if (payload === undefined) return;
    this.#payloads.delete(clientMessageId);
    this.#onAcknowledged(payload);
  }

  #onError(user: string, device: string, request: SentRequest | undefined, { code, retry }: ErrorReply): void {
    const what = request?.type === 'send' ? 'send' : request?.type === 'sync' ? 'pull' : 'other';
    if (retry) this.refusals.push({ at_ms: performance.now(), device, what, code });
    else if (what !== 'other') this.#violations.add(`a ${what} of ${user} was refused for good: ${code}`);
  }
}

interface SentRequest extends Request {
  readonly sentAt_ms: number;
}

interface Request {
  readonly type: string;
  readonly clientMessageId?: string;
  readonly payload?: string;
}
