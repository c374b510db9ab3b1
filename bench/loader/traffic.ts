// Every message of a run: when it was sent, and what has come of it. A message is complete when it was accepted, its
// outcome came, and each of its receivers has it; whatever comes twice or to the wrong place is counted against the server.
import type { Measurement } from './measurement.ts';
import { MessageIds, SENDERS_MAX } from './message-ids.ts';

/** Messages of one sender under way at once. An open loop that is this far behind has failed. */
const UNDER_WAY_MAX = 8_192;

const ACCEPTED = 1;
const SEQUENCED = 2;

/** What must be zero. */
export interface Faults {
  /** Messages that came behind a later one of their conversation, or with another seq than the next. */
  outOfOrder: number;
  /** Sent, and not complete some seconds after the last send. */
  lost: number;
  /** Accepted, sequenced or delivered twice. */
  doubled: number;
  /** Outcomes that name another seq than the message has, and messages whose text is not the one sent. */
  wrong: number;
}

interface Sender {
  next: number;
  complete: number;
  readonly sentAt: Float64Array;
  readonly state: Uint8Array;
  readonly copies: Uint16Array;
}

export class Traffic {
  readonly ids = new MessageIds();
  readonly faults: Faults = { outOfOrder: 0, lost: 0, doubled: 0, wrong: 0 };
  /** Not faults, but worth a line: pushes that were repeated, `behind` frames, messages that only a pull brought. */
  readonly notes = { repeatedPushes: 0, behind: 0, pulled: 0 };
  readonly measurement: Measurement;
  readonly #copies: number;
  readonly #senders: Sender[] = [];
  readonly #payload: string;
  /** Called when a message is complete. */
  onComplete: (sender: number) => void = () => {};

  /** `copies`: of each message, its sender's own included. */
  constructor(measurement: Measurement, copies: number, payload_bytes: number) {
    this.measurement = measurement;
    this.#copies = copies;
    this.#payload = 'lorem ipsum dolor sit amet '.repeat(Math.ceil(payload_bytes / 27)).slice(0, payload_bytes);
  }

  addSender(): number {
    if (this.#senders.length === SENDERS_MAX) throw new RangeError(`at most ${SENDERS_MAX} senders`);
    this.#senders.push({
      next: 1,
      complete: 0,
      sentAt: new Float64Array(UNDER_WAY_MAX),
      state: new Uint8Array(UNDER_WAY_MAX),
      copies: new Uint16Array(UNDER_WAY_MAX),
    });
    return this.#senders.length - 1;
  }

  /** Of a fixed length, and different for each message. */
  payloadOf(number: number): string {
    const label = String(number);
    return label + this.#payload.slice(label.length);
  }

  /** The number of the sender's next message: 1, 2, 3 … */
  onSend(sender: number, sentAt: number): number {
    const ledger = this.#senders[sender]!;
    const number = ledger.next++;
    if (number - ledger.complete > UNDER_WAY_MAX) throw new Error('the server is too far behind the schedule');
    const slot = number % UNDER_WAY_MAX;
    ledger.sentAt[slot] = sentAt;
    ledger.state[slot] = 0;
    ledger.copies[slot] = 0;
    return number;
  }

  onAccepted(sender: number, number: number, now: number): void {
    const ledger = this.#senders[sender]!;
    this.measurement.onAccepted(now, ledger.sentAt[number % UNDER_WAY_MAX]!);
    this.#mark(ledger, sender, number, ACCEPTED);
  }

  onSequenced(sender: number, number: number): void {
    this.#mark(this.#senders[sender]!, sender, number, SEQUENCED);
  }

  onCopy(sender: number, number: number, own: boolean, now: number): void {
    const ledger = this.#senders[sender];
    if (ledger === undefined || number >= ledger.next) {
      this.faults.wrong++;
      return;
    }
    const slot = number % UNDER_WAY_MAX;
    if (ledger.copies[slot]! >= this.#copies) {
      this.faults.doubled++;
      return;
    }
    ledger.copies[slot]!++;
    if (own) this.measurement.onOwnCopy();
    else this.measurement.onDelivered(now, ledger.sentAt[slot]!);
    this.#completeIfDone(ledger, sender, slot);
  }

  get sent(): number {
    return this.#senders.reduce((sum, { next }) => sum + next - 1, 0);
  }

  get complete(): number {
    return this.#senders.reduce((sum, { complete }) => sum + complete, 0);
  }

  #mark(ledger: Sender, sender: number, number: number, mark: number): void {
    const slot = number % UNDER_WAY_MAX;
    if ((ledger.state[slot]! & mark) !== 0) {
      this.faults.doubled++;
      return;
    }
    ledger.state[slot]! |= mark;
    this.#completeIfDone(ledger, sender, slot);
  }

  #completeIfDone(ledger: Sender, sender: number, slot: number): void {
    if (ledger.state[slot] !== (ACCEPTED | SEQUENCED) || ledger.copies[slot] !== this.#copies) return;
    ledger.complete++;
    this.onComplete(sender);
  }
}
