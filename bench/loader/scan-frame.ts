// Reads the few fields of a server's frame that are checked, without building its objects. It knows how the server lays
// frames out; a frame that is laid out otherwise is not misread, it is null, and parsed as a whole (slower, same checks).
//
//   {"type":"push","inboxSeq":7,"event":{"conversationId":"d:…","seq":3,"ordinal":3,"sender":"a","clientMessageId":"…"
//                             ▲                            ▲        ▲                                             ▲
import { ID_LENGTH } from './message-ids.ts';

export const FIELDS = { inboxSeq: 0, seq: 0, id_at: 0, conversation_at: 0, conversation_end: 0 };

const literal = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const PUSH = literal('{"type":"push","inboxSeq":');
const EVENT = literal(',"event":{"conversationId":"');
const SEQ = literal('","seq":');
const ORDINAL = literal(',"ordinal":');
const SENDER = literal(',"sender":"');
const MESSAGE_ID = literal('","clientMessageId":"');
const OUTCOME = literal('{"type":"outcome","conversationId":"');
const SEQUENCED = literal('","result":"sequenced","seq":');
const TIME = literal(',"time":');
const NOT_REPEATED = literal(',"repeat":false}');
const ACCEPTED_BEGIN = literal('{"id":');
const ACCEPTED_END = literal(',"type":"accepted"}');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

// The place behind what was read last; -1 when it was something else.
let at = 0;

function skip(bytes: Uint8Array, expected: Uint8Array): void {
  if (at < 0) return;
  for (let i = 0; i < expected.length; i++) {
    if (bytes[at + i] !== expected[i]) {
      at = -1;
      return;
    }
  }
  at += expected.length;
}

function readNumber(bytes: Uint8Array): number {
  if (at < 0) return 0;
  const start = at;
  let value = 0;
  for (let byte = bytes[at]!; byte >= 0x30 && byte <= 0x39; byte = bytes[++at]!) value = value * 10 + (byte - 0x30);
  if (at === start) at = -1;
  return value;
}

/** To the quote that ends a text without escapes. */
function skipText(bytes: Uint8Array, end: number): void {
  if (at < 0) return;
  while (at < end && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
  if (bytes[at] !== QUOTE) at = -1;
}

/** `{"id":7,"type":"accepted"}`: the id goes into `seq`. */
export function scanAccepted(bytes: Uint8Array, start: number, end: number): boolean {
  at = start;
  skip(bytes, ACCEPTED_BEGIN);
  FIELDS.seq = readNumber(bytes);
  skip(bytes, ACCEPTED_END);
  return at === end;
}

/** Fills FIELDS from a push of a message (or of any event: the id tells). */
export function scanPush(bytes: Uint8Array, start: number, end: number): boolean {
  at = start;
  skip(bytes, PUSH);
  FIELDS.inboxSeq = readNumber(bytes);
  skip(bytes, EVENT);
  FIELDS.conversation_at = at;
  skipText(bytes, end);
  FIELDS.conversation_end = at;
  skip(bytes, SEQ);
  FIELDS.seq = readNumber(bytes);
  skip(bytes, ORDINAL);
  readNumber(bytes);
  skip(bytes, SENDER);
  skipText(bytes, end);
  skip(bytes, MESSAGE_ID);
  FIELDS.id_at = at;
  return at >= 0 && at + ID_LENGTH < end && bytes[at + ID_LENGTH] === QUOTE;
}

/** Fills FIELDS from the outcome of a send that was sequenced now, not earlier. */
export function scanOutcome(bytes: Uint8Array, start: number, end: number): boolean {
  at = start;
  skip(bytes, OUTCOME);
  FIELDS.conversation_at = at;
  skipText(bytes, end);
  FIELDS.conversation_end = at;
  skip(bytes, MESSAGE_ID);
  if (at < 0) return false;
  FIELDS.id_at = at;
  at += ID_LENGTH;
  skip(bytes, SEQUENCED);
  FIELDS.seq = readNumber(bytes);
  skip(bytes, TIME);
  readNumber(bytes);
  skip(bytes, NOT_REPEATED);
  return at === end;
}
