// Gets messages into the log: what goes out when, and what each answer means. The order is the outbox's.
//
// A message leaves the outbox when it is sequenced (its outcome or its own copy in the inbox, whichever comes first), when
// it is refused for good, or when it is too old to be known.
import { utf8Length } from '../events/ids.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { ErrorReply, EventBody, OutcomeFrame } from '../protocol/frames.ts';
import { backoff_ms } from './backoff.ts';
import { checkMessage, SEND_FRAME_OVERHEAD_BYTES } from './check-message.ts';
import { type SendProgress, SendRefused } from './client-events.ts';
import type { ClientLimits } from './client-options.ts';
import type { SavedMessage } from './client-storage.ts';
import type { Connection } from './connection.ts';
import type { FrameBudget } from './frame-budget.ts';
import { Outbox } from './outbox.ts';
import { OutboxMessage } from './outbox-message.ts';
import type { ServerClock } from './server-clock.ts';

export interface SenderPort {
  /** Writes the outbox down before it returns; throws when it cannot. */
  save(): void;
  /** The outbox changed in a way that may be saved a little later: the server would tell it again. */
  changed(): void;
  storageFailed(error: unknown): void;
  progress(progress: SendProgress): void;
}

// Whose own copy may still come. Enough for one outbox.
const DENIED_MESSAGES_MAX = 1_000;
// These end an attempt without saying whether the log has it.
const UNKNOWN_OUTCOME: ReadonlySet<ErrorCode> = new Set(['log_unavailable', 'undecided', 'internal']);

export class MessageSender {
  readonly #runtime: Runtime;
  readonly #clock: ServerClock;
  readonly #limits: ClientLimits;
  readonly #port: SenderPort;
  readonly #outbox: Outbox;
  /** Told `rejected` or `perhaps_not_sent`. A copy that was on its way may be decided after all; then that is the truth. */
  readonly #denied = new Map<string, OutboxMessage>();
  #localId = 0;
  /** Set while sends may go out. */
  #connection: Connection | null = null;
  #budget: FrameBudget | null = null;
  #frame_bytes_max = 0;
  #pause: Timer | null = null;
  #refusals = 0;
  #idsUnsaved = false;
  /** Waiting for a pull to resend what was accepted up to this time. */
  #resendBefore_ms: number | null = null;
  #resends = 0;

  constructor(runtime: Runtime, clock: ServerClock, limits: ClientLimits, port: SenderPort) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.#limits = limits;
    this.#port = port;
    this.#outbox = new Outbox(limits.outbox_messages_max, limits.window);
  }

  get size(): number {
    return this.#outbox.size;
  }

  list(): OutboxMessage[] {
    return this.#outbox.list();
  }

  restore(messages: readonly SavedMessage[]): void {
    for (const saved of messages) {
      const { conversationId, contentType, payload, clientMessageId } = saved;
      this.#outbox.append(new OutboxMessage(++this.#localId, conversationId, contentType, payload, clientMessageId));
    }
  }

  /** Throws SendRefused; then the message is nowhere. */
  send(conversationId: string, payload: string, contentType: string | undefined): OutboxMessage {
    const message = new OutboxMessage(this.#localId + 1, conversationId, contentType, payload);
    checkMessage(message);
    if (this.#outbox.full) throw new SendRefused('outbox_full', 'Too many messages wait to be decided. Send it later.');
    this.#localId++;
    this.#outbox.append(message);
    try {
      // The id goes into the same save when the message goes out right away.
      if (this.#connection !== null && this.#pause === null) this.#nameNext();
      this.#port.save();
      this.#idsUnsaved = false;
    } catch (error) {
      this.#outbox.remove(message);
      throw new SendRefused('storage_failed', `The storage did not take the message: ${String(error)}`);
    }
    this.#port.progress({ message, progress: 'queued' });
    this.#pump();
    return message;
  }

  /** From here on sends go out, beginning with the first undecided one. */
  connected(connection: Connection, budget: FrameBudget, frame_bytes_max: number): void {
    this.#connection = connection;
    this.#budget = budget;
    this.#frame_bytes_max = frame_bytes_max;
    this.#pump();
  }

  disconnected(): void {
    this.#connection = null;
    this.#pause?.cancel();
    this.#pause = null;
    this.#refusals = 0;
    this.#resendBefore_ms = null;
    this.#outbox.disconnected();
  }

  /** The saved outbox turns out to be another user's. */
  dropAll(): void {
    const messages = this.#outbox.list();
    // All of them before the first is told: a listener may close the client, and what is saved then is the new user's.
    for (const message of messages) this.#leave(message);
    for (const message of messages) {
      this.#tellDenied(message, 'not_permitted', 'It was written by another user of this device.');
    }
  }

  close(): void {
    this.disconnected();
    for (const message of this.#outbox.list()) message.settle({ result: 'closed' });
  }

  onAccepted(requestId: number): void {
    const message = this.#outbox.accepted(requestId, this.#runtime.monotonic());
    if (message === null) return;
    this.#refusals = 0;
    if (message.queued && message.stage === 'queued') {
      message.stage = 'accepted';
      this.#port.progress({ message, progress: 'accepted' });
    }
    this.#pump();
  }

  /** `foreign`: no send waits for this reply. `broken`: edge and client disagree about numbers; only a new connection helps. */
  onError(reply: ErrorReply): 'handled' | 'foreign' | 'broken' {
    const { id, code, message: text } = reply;
    if (id === null) return 'foreign';
    if (!reply.retry) {
      const message = this.#outbox.usedUp(id);
      if (message === null) return 'foreign';
      this.#deny(message, code, text);
      this.#pump();
      return 'handled';
    }
    const outcome = this.#outbox.refused(id, reply.number, UNKNOWN_OUTCOME.has(code));
    if (outcome === 'unknown') return 'foreign';
    if (outcome === 'impossible') return 'broken';
    const isSimple = code === 'out_of_turn' && this.#refusals === 0;
    const pause_ms = isSimple ? 0 : backoff_ms(this.#runtime, this.#limits.resend, this.#refusals);
    this.#refusals++;
    if (isSimple) this.#pump();
    else this.#pauseFor(pause_ms);
    return 'handled';
  }

  onOutcome(frame: OutcomeFrame): void {
    if (frame.result === 'sequenced') {
      this.#sequenced(frame.clientMessageId, frame.seq ?? 0, frame.time ?? 0);
      return;
    }
    const message = this.#outbox.find(frame.clientMessageId);
    if (message !== undefined) this.#deny(message, frame.code ?? 'internal', frame.message ?? '');
  }

  /** An entry of one's own inbox that one sent. */
  onOwnCopy(event: EventBody): void {
    if (this.#outbox.size > 0 || this.#denied.size > 0) {
      this.#sequenced(event.clientMessageId, event.seq, event.time);
    }
  }

  /** Once a second or so. `pull`: something is undecided for too long. `broken`: the edge does not answer. */
  tick(now_ms: number): 'fine' | 'pull' | 'broken' {
    const oldest_ms = this.#outbox.oldestOnWire_ms();
    if (oldest_ms !== null && now_ms - oldest_ms > this.#limits.send_reply_ms_max) return 'broken';
    if (this.#resendBefore_ms !== null || this.#connection === null) return 'fine';
    const { undecided_ms, undecided_ms_max } = this.#limits;
    const before_ms = now_ms - Math.min(undecided_ms_max, undecided_ms * 2 ** Math.min(this.#resends, 30));
    if (!this.#outbox.hasUndecided(before_ms)) return 'fine';
    this.#resendBefore_ms = before_ms;
    return 'pull';
  }

  /** The pull is over, or gets no further: what is still undecided goes out again. */
  pulled(): void {
    if (this.#resendBefore_ms === null) return;
    this.#outbox.resendUndecided(this.#resendBefore_ms);
    this.#resendBefore_ms = null;
    this.#resends++;
    this.#pump();
  }

  #pump(): void {
    if (this.#pause !== null || this.#connection === null || this.#outbox.peek() === null) return;
    this.#nameNext();
    if (this.#idsUnsaved && !this.#trySave()) return;
    const now_ms = this.#runtime.monotonic();
    for (let message = this.#outbox.peek(); message !== null; message = this.#outbox.peek()) {
      if (this.#connection === null || message.clientMessageId === null) return;
      if (this.#isOverFrame(message)) {
        this.#deny(message, 'payload_too_large', 'The message does not fit into a frame of this server.');
        continue;
      }
      const wait_ms = this.#budget!.take('send');
      if (wait_ms > 0) {
        this.#pauseFor(wait_ms);
        return;
      }
      const id = this.#connection.nextId();
      const number = this.#outbox.transmit(message, id, now_ms);
      this.#connection.send(
        `{"id":${id},"type":"send","number":${number},"clientMessageId":"${message.clientMessageId}",${message.encoded}}`,
      );
    }
  }

  #nameNext(): void {
    if (this.#outbox.name(() => this.#clock.makeId())) this.#idsUnsaved = true;
  }

  #trySave(): boolean {
    try {
      this.#port.save();
      this.#idsUnsaved = false;
      return true;
    } catch (error) {
      this.#port.storageFailed(error);
      this.#pauseFor(this.#limits.resend.cap_ms);
      return false;
    }
  }

  #pauseFor(delay_ms: number): void {
    if (this.#connection === null) return;
    this.#pause?.cancel();
    this.#pause = this.#runtime.setTimer(delay_ms, () => {
      this.#pause = null;
      this.#pump();
    });
  }

  #isOverFrame({ encoded }: OutboxMessage): boolean {
    const bytes_max = this.#frame_bytes_max - SEND_FRAME_OVERHEAD_BYTES;
    // A UTF-16 unit is at most three bytes: most messages need no counting.
    return encoded.length * 3 > bytes_max && utf8Length(encoded) > bytes_max;
  }

  #sequenced(clientMessageId: string, seq: number, time: number): void {
    let message = this.#outbox.find(clientMessageId);
    if (message !== undefined) this.#leave(message);
    else {
      message = this.#denied.get(clientMessageId);
      if (message === undefined) return;
      this.#denied.delete(clientMessageId);
    }
    message.stage = 'sequenced';
    message.settle({ result: 'sequenced', seq, time });
    this.#port.progress({ message, progress: 'sequenced', seq });
  }

  #deny(message: OutboxMessage, code: ErrorCode, text: string): void {
    if (!message.queued) return;
    this.#leave(message);
    this.#tellDenied(message, code, text);
  }

  #tellDenied(message: OutboxMessage, code: ErrorCode, text: string): void {
    if (message.clientMessageId !== null) this.#remember(message.clientMessageId, message);
    if (code === 'too_old' && message.mayBeInLog) {
      message.stage = 'perhaps_not_sent';
      message.settle({ result: 'perhaps_not_sent' });
      this.#port.progress({ message, progress: 'perhaps_not_sent' });
    } else {
      message.stage = 'rejected';
      message.settle({ result: 'rejected', code, message: text });
      this.#port.progress({ message, progress: 'rejected', code });
    }
  }

  #leave(message: OutboxMessage): void {
    this.#outbox.remove(message);
    this.#resends = 0;
    this.#port.changed();
  }

  #remember(clientMessageId: string, message: OutboxMessage): void {
    this.#denied.set(clientMessageId, message);
    if (this.#denied.size <= DENIED_MESSAGES_MAX) return;
    for (const oldest of this.#denied.keys()) {
      this.#denied.delete(oldest);
      return;
    }
  }
}
