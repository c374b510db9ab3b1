// Ids of the loader's messages: UUIDv7 of the server's time, whose free bits say which sender's which message it is, so
// that a receiver knows without a look-up:
//
//   0190a1b2-c3d4-7SSS-8RRR-NNNNNNNNRRRR      S sender, N number of the sender's message, R this run
import { randomBytes } from 'node:crypto';

export const SENDERS_MAX = 0x1000;
export const ID_LENGTH = 36;

const SENDER_AT = 15;
const RUN_AT = 20;
const NUMBER_AT = 24;
const RUN_END_AT = 32;

export class MessageIds {
  readonly #run = randomBytes(4).toString('hex').slice(0, 7);
  readonly #runBytes = Buffer.from(this.#run, 'latin1');
  #time = 0;
  #timeText = '';

  /** `time`: milliseconds by the server's clock. `number`: below 2^32. */
  make(time: number, sender: number, number: number): string {
    if (time !== this.#time) {
      const hex = time.toString(16).padStart(12, '0');
      this.#time = time;
      this.#timeText = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    }
    const run = this.#run;
    const sender3 = hexPadded(sender, 3);
    return `${this.#timeText}${sender3}-8${run.slice(0, 3)}-${hexPadded(number, 8)}${run.slice(3)}`;
  }

  /** Whether the id at `at` is one of this run. */
  isOurs(bytes: Uint8Array, at: number): boolean {
    const run = this.#runBytes;
    for (let i = 0; i < 3; i++) if (bytes[at + RUN_AT + i] !== run[i]) return false;
    for (let i = 0; i < 4; i++) if (bytes[at + RUN_END_AT + i] !== run[3 + i]) return false;
    return true;
  }

  senderOf(bytes: Uint8Array, at: number): number {
    return readHex(bytes, at + SENDER_AT, 3);
  }

  numberOf(bytes: Uint8Array, at: number): number {
    return readHex(bytes, at + NUMBER_AT, 8);
  }
}

function hexPadded(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function readHex(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const byte = bytes[i]!;
    value = value * 16 + (byte <= 0x39 ? byte - 0x30 : byte - 0x57);
  }
  return value;
}
