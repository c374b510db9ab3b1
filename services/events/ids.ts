// Ids: users, conversations, commands. What is legal, and what can be read out of one.
import { limits } from '../kernel/limits.ts';

const encoder = new TextEncoder();
const CONTROL_CHARACTER = /\p{Cc}/u;

export function utf8Length(text: string): number {
  // Almost every id is ASCII: then its length is its bytes, and no encoding is needed.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return encoder.encode(text).length;
  return text.length;
}

/** 1 to `bytes_max` bytes of UTF-8, well-formed, without control characters. */
export function isPlainText(text: unknown, bytes_max: number): text is string {
  if (typeof text !== 'string' || text.length === 0 || text.length > bytes_max) return false;
  return text.isWellFormed() && !CONTROL_CHARACTER.test(text) && utf8Length(text) <= bytes_max;
}

/** User ids are opaque and case-sensitive. */
export function isUserId(id: unknown): id is string {
  return isPlainText(id, limits.user_id_bytes_max);
}

/** Compares strings as UTF-16, as `<` does: the one order of users everywhere. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// A direct conversation's id holds its two users, so that the fold knows its members without any state:
//
//   d:5:alice3:bob        `d:` then each id, in order, with its length in UTF-16 units before it
//
/** The one id of the direct conversation of two users (or of one with themselves). */
export function directConversationId(a: string, b: string): string {
  const [first, second] = a <= b ? [a, b] : [b, a];
  return `d:${first.length}:${first}${second.length}:${second}`;
}

/** The two users of a direct conversation's id, in order; null if it is not one, or not in its one spelling. */
export function usersOfDirect(conversationId: string): readonly [string, string] | null {
  if (!conversationId.startsWith('d:')) return null;
  const first = readLengthPrefixed(conversationId, 2);
  if (first === null) return null;
  const second = readLengthPrefixed(conversationId, first.end);
  if (second === null || second.end !== conversationId.length) return null;
  if (!isUserId(first.text) || !isUserId(second.text) || first.text > second.text) return null;
  return [first.text, second.text];
}

function readLengthPrefixed(text: string, start: number): { text: string; end: number } | null {
  const colon = text.indexOf(':', start);
  if (colon < 0 || colon - start > 2) return null;
  const digits = text.slice(start, colon);
  if (!/^[1-9][0-9]?$/.test(digits)) return null;
  const end = colon + 1 + Number(digits);
  return end > text.length ? null : { text: text.slice(colon + 1, end), end };
}

const GROUP_ID = /^g:[0-9a-f]{32}$/;

export function isGroupId(id: string): boolean {
  return GROUP_ID.test(id);
}

export function isConversationId(id: unknown): id is string {
  return (
    typeof id === 'string' &&
    id.length <= limits.conversation_id_bytes_max &&
    (isGroupId(id) || usersOfDirect(id) !== null)
  );
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A UUIDv7 in its canonical lower-case spelling: one spelling, so that one id is one string. */
export function isCommandId(id: unknown): id is string {
  return typeof id === 'string' && UUID_V7.test(id);
}

/** Milliseconds since 1970 at which a UUIDv7 was made, by whoever made it. */
export function timeOfCommandId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
