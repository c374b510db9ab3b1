// Server frames -> text frames. Replies are small and plain JSON; pushes are what there are many of.
//
// An event is encoded once for all who get it. Its frame stands at the end of a buffer with room before it, and each
// recipient's own beginning is written into that room, right-aligned:
//
//   ┌──────────┬──────────────────────────────────────────┬───────────────────────────┬───┐
//   │  unused  │ {"type":"push","inboxSeq":1234,"event":  │ {"conversationId":"d:…",… │ } │
//   └──────────┴──────────────────────────────────────────┴───────────────────────────┴───┘
//              ▲ the frame of one recipient                 ▲ room_bytes: the same for all
import type { Outcome } from '../events/outcome.ts';
import type { TimelineEvent } from '../events/timeline-events.ts';
import { describe, type Refusal } from '../kernel/errors.ts';
import { eventBodyOf } from './event-body.ts';
import type { BehindFrame, ErrorReply, OutcomeFrame, ServerFrame } from './frames.ts';

const encoder = new TextEncoder();

const PUSH_BEGIN = encoder.encode('{"type":"push","inboxSeq":');
const PUSH_MIDDLE = encoder.encode(',"event":');
const DIGITS_MAX = 16;
const ROOM_BYTES = PUSH_BEGIN.length + DIGITS_MAX + PUSH_MIDDLE.length;

const BEHIND: BehindFrame = { type: 'behind' };
export const BEHIND_TEXT = JSON.stringify(BEHIND);

export function encodeFrame(frame: ServerFrame): string {
  return JSON.stringify(frame);
}

export function encodeAccepted(id: number): string {
  return `{"id":${id},"type":"accepted"}`;
}

export function encodeHeartbeat(id: number, serverTime: number, head: number): string {
  return `{"id":${id},"type":"heartbeat","serverTime":${serverTime},"head":${head}}`;
}

/** `more`: what some codes say besides, the number or the epoch that is expected. */
export function encodeError(
  id: number | null,
  refused: Refusal,
  more?: { readonly number?: number; readonly epoch?: number },
): string {
  const reply: ErrorReply = { id, type: 'error', ...describe(refused), ...more };
  return JSON.stringify(reply);
}

/** null for an outcome that no send has. */
export function encodeOutcome(conversationId: string, clientMessageId: string, outcome: Outcome): string | null {
  if (outcome.result === 'unchanged') return null;
  const { result } = outcome;
  const type = 'outcome';
  let frame: OutcomeFrame;
  if (outcome.result === 'sequenced') {
    const { seq, time, repeat } = outcome;
    frame = { type, conversationId, clientMessageId, result, seq, time, repeat };
  } else {
    const { code, message } = describe(outcome);
    frame = { type, conversationId, clientMessageId, result, code, message };
  }
  return JSON.stringify(frame);
}

/** An event ready to be pushed to any number of users. */
export class SharedPush {
  /** The event's: when the log stamped the command. */
  readonly time: number;
  readonly #bytes: Uint8Array;
  /** The frame last handed out: where it begins depends on the number of digits only, so it serves many. */
  #frame: Uint8Array | null = null;
  #frameAt = 0;

  constructor(event: TimelineEvent) {
    this.time = event.time;
    const json = JSON.stringify(eventBodyOf(event));
    const length = Buffer.byteLength(json);
    const bytes = Buffer.allocUnsafe(ROOM_BYTES + length + 1);
    bytes.write(json, ROOM_BYTES, 'utf8');
    bytes[ROOM_BYTES + length] = 0x7d;
    bytes.set(PUSH_MIDDLE, ROOM_BYTES - PUSH_MIDDLE.length);
    this.#bytes = bytes;
  }

  /** The frame for one recipient, valid until the next call. */
  frameFor(inboxSeq: number): Uint8Array {
    const bytes = this.#bytes;
    let at = ROOM_BYTES - PUSH_MIDDLE.length;
    let rest = inboxSeq;
    do {
      const tens = Math.floor(rest / 10);
      bytes[--at] = 0x30 + (rest - tens * 10);
      rest = tens;
    } while (rest > 0);
    at -= PUSH_BEGIN.length;
    if (this.#frame === null || at !== this.#frameAt) {
      bytes.set(PUSH_BEGIN, at);
      this.#frame = bytes.subarray(at);
      this.#frameAt = at;
    }
    return this.#frame;
  }
}
