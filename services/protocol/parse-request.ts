// Bytes of a text frame -> a request, or why not. Never throws on what a client sent, and bounds the work before doing it:
//
//   size ▶ UTF-8 ▶ depth and number of values (a scan of the text) ▶ JSON.parse ▶ fields
//
// The bound on values matters as much as the one on depth: 64 KiB hold 10,000 keys, and keys chosen to collide in the
// parser's hash table cost the square of their number. Fields that this version does not know are ignored.
import { isUtf8 } from 'node:buffer';
import { isCommandId, isConversationId, isPlainText } from '../events/ids.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import type { Limits } from '../kernel/limits.ts';
import type { Cursor, HelloRequest, HistoryRequest, Request, SendRequest, SyncRequest } from './frames.ts';

/** Commas outside strings. The longest legal frame has 8; the rest is room for later versions. */
const VALUES_MAX = 256;
/** A token of ours has 200 bytes; other issuers put more in. */
const TOKEN_BYTES_MAX = 8 * 1024;
const PLATFORM_BYTES_MAX = 64;

/** A frame that is no request. */
export interface RefusedRequest {
  readonly type: 'refused';
  /** The request's id, if it could be read. */
  readonly id: number | null;
  /** Of a send whose id could be read: its number, if that could be read too. A final refusal uses it up. */
  readonly number: number | null;
  /** Meant to be a hello: it may be said again, correctly. */
  readonly isHello: boolean;
  readonly refused: Refusal;
}

type Fields = { readonly [name: string]: unknown };

/** `bytes`: one text frame; not kept. */
export function parseRequest(bytes: Uint8Array, limits: Limits): Request | RefusedRequest {
  if (bytes.length > limits.frame_bytes_max) return refuse(null, refusal('frame_too_large'));
  const text = decodeText(bytes);
  if (text === null) return refuse(null, refusal('bad_frame', 'not UTF-8'));
  const bound = boundStructure(text, limits.json_depth_max);
  if (bound !== null) return refuse(null, bound);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse(null, refusal('bad_frame', 'not JSON'));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(null, refusal('bad_frame', 'not an object'));
  }
  return readRequest(value as Fields, limits);
}

function decodeText(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  // Unlike TextDecoder this keeps a byte order mark, which then is no JSON.
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Whether the text may be parsed. Counts first: a text with few brackets and commas needs no look at its strings. */
function boundStructure(text: string, depth_max: number): Refusal | null {
  const brackets = countUpTo(text, '{', depth_max + 1) + countUpTo(text, '[', depth_max + 1);
  if (brackets <= depth_max && countUpTo(text, ',', VALUES_MAX + 1) <= VALUES_MAX) return null;
  return scanStructure(text, depth_max);
}

function countUpTo(text: string, character: string, count_max: number): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0 && count < count_max; at = text.indexOf(character, at + 1)) count++;
  return count;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

function scanStructure(text: string, depth_max: number): Refusal | null {
  let depth = 0;
  let commas = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) inString = false;
    } else if (unit === QUOTE) inString = true;
    else if (unit === COMMA) {
      if (++commas > VALUES_MAX) return refusal('bad_frame', `more than ${VALUES_MAX} values`);
      // `{` and `[`, `}` and `]` differ in one bit.
    } else if ((unit | 0x20) === 0x7b) {
      if (++depth > depth_max) return refusal('too_deep');
    } else if ((unit | 0x20) === 0x7d) depth--;
  }
  return null;
}

function readRequest(fields: Fields, limits: Limits): Request | RefusedRequest {
  const { id, type } = fields;
  // Whoever cannot tell which request is answered must not find its number gone.
  if (!isCount(id)) return { ...invalid(null, 'id', null), isHello: type === 'hello' };
  switch (type) {
    case 'send':
      return readSend(id, fields, limits);
    case 'heartbeat':
      return { id, type };
    case 'sync':
      return readSync(id, fields, limits);
    case 'history':
      return readHistory(id, fields, limits);
    case 'hello':
      return readHello(id, fields, limits);
    default:
      return typeof type === 'string' ? refuse(id, refusal('unknown_type')) : refuse(id, refusal('bad_frame', 'type'));
  }
}

function readSend(id: number, fields: Fields, limits: Limits): SendRequest | RefusedRequest {
  const { number, conversationId, clientMessageId, contentType, payload } = fields;
  if (!isCount(number) || number === 0) return invalid(id, 'number', null);
  if (!isConversationId(conversationId)) return invalid(id, 'conversationId', fields);
  if (!isCommandId(clientMessageId)) return invalid(id, 'clientMessageId', fields);
  if (contentType !== undefined && !isPlainText(contentType, limits.content_type_bytes_max)) {
    return invalid(id, 'contentType', fields);
  }
  if (typeof payload !== 'string' || !payload.isWellFormed()) return invalid(id, 'payload', fields);
  if (Buffer.byteLength(payload) > limits.payload_bytes_max) {
    return { type: 'refused', id, number, isHello: false, refused: refusal('payload_too_large') };
  }
  const common = { id, type: 'send', number, conversationId, clientMessageId, payload } as const;
  return contentType === undefined ? common : { ...common, contentType };
}

function readHello(id: number, fields: Fields, limits: Limits): HelloRequest | RefusedRequest {
  const { token, device, platform, cursor } = fields;
  if (!isPlainText(token, TOKEN_BYTES_MAX)) return invalidHello(id, 'token');
  if (!isPlainText(device, limits.device_id_bytes_max)) return invalidHello(id, 'device');
  if (platform !== undefined && !isPlainText(platform, PLATFORM_BYTES_MAX)) return invalidHello(id, 'platform');
  if (cursor !== undefined && !isCursor(cursor)) return invalidHello(id, 'cursor');
  return {
    id,
    type: 'hello',
    token,
    device,
    ...(platform === undefined ? {} : { platform }),
    ...(cursor === undefined ? {} : { cursor: readCursor(cursor) }),
  };
}

function readSync(id: number, fields: Fields, limits: Limits): SyncRequest | RefusedRequest {
  const { cursor, limit } = fields;
  if (!isCursor(cursor)) return invalid(id, 'cursor', null);
  if (limit !== undefined && !isPageLimit(limit, limits)) return invalid(id, 'limit', null);
  const common = { id, type: 'sync', cursor: readCursor(cursor) } as const;
  return limit === undefined ? common : { ...common, limit };
}

function readHistory(id: number, fields: Fields, limits: Limits): HistoryRequest | RefusedRequest {
  const { conversationId, before, after, limit } = fields;
  if (!isConversationId(conversationId)) return invalid(id, 'conversationId', null);
  if (limit !== undefined && !isPageLimit(limit, limits)) return invalid(id, 'limit', null);
  const common = { id, type: 'history', conversationId, ...(limit === undefined ? {} : { limit }) } as const;
  if (before !== undefined && after !== undefined) return invalid(id, 'both before and after', null);
  if (before !== undefined) return isCount(before) && before > 0 ? { ...common, before } : invalid(id, 'before', null);
  if (after !== undefined) return isCount(after) ? { ...common, after } : invalid(id, 'after', null);
  return invalid(id, 'neither before nor after', null);
}

/** A whole number from 0 that JSON and doubles carry exactly. */
function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPageLimit(value: unknown, limits: Limits): value is number {
  return isCount(value) && value >= 1 && value <= limits.page_entries_max;
}

function isCursor(value: unknown): value is Cursor {
  if (typeof value !== 'object' || value === null) return false;
  return isCount((value as Fields).epoch) && isCount((value as Fields).inboxSeq);
}

/** Only what we know of it: the rest of what a client sent is not kept. */
function readCursor({ epoch, inboxSeq }: Cursor): Cursor {
  return { epoch, inboxSeq };
}

/** `send`: the fields of a send, whose number the refusal uses up. */
function invalid(id: number | null, field: string, send: Fields | null): RefusedRequest {
  const number = send !== null && isCount(send.number) && send.number > 0 ? send.number : null;
  return { type: 'refused', id, number, isHello: false, refused: refusal('invalid_field', field) };
}

function invalidHello(id: number, field: string): RefusedRequest {
  return { ...invalid(id, field, null), isHello: true };
}

function refuse(id: number | null, refused: Refusal): RefusedRequest {
  return { type: 'refused', id, number: null, isHello: false, refused };
}
