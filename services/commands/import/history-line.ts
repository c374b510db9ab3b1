// One line of a chat history, checked. The format: {ts, room, kind, from, text}, one JSON object a line.
import { isPlainText } from '../../events/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { BadInput } from './bad-input.ts';
import { userOfNick } from './user-of-nick.ts';

export type LineKind = 'message' | 'action' | 'join' | 'leave' | 'rename';
const KINDS: ReadonlySet<unknown> = new Set<LineKind>(['message', 'action', 'join', 'leave', 'rename']);

/** The last moment that a JavaScript date can name. */
const TIME_MS_MAX = 8.64e15;

export interface HistoryLine {
  /** In the file, from 1: names the line in errors and ties what was sent to what is expected. */
  readonly number: number;
  /** When it was said, by the file: milliseconds since 1970. */
  readonly time_ms: number;
  readonly kind: LineKind;
  /** The user of the nick that the line is from. */
  readonly user: string;
  /** What was said; empty for a join, a leave, a rename, and where nothing was said. */
  readonly text: string;
  /** With a rename: the user of the new nick. */
  readonly renamed: string | null;
}

/** @throws BadInput naming the line and the field. */
export function parseHistoryLine(json: string, number: number): { readonly room: string; readonly line: HistoryLine } {
  const wrong = (what: string) => new BadInput(`line ${number}: ${what}`);
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(json);
  } catch {
    throw wrong('it is not JSON. Give a file with one JSON object a line.');
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw wrong('it is not a JSON object.');
  const { ts, room, kind, from, text } = fields;
  if (typeof ts !== 'number' || !(ts >= 0 && ts <= TIME_MS_MAX)) throw wrong('"ts" must be milliseconds since 1970.');
  const time_ms = Math.floor(ts);
  if (!isPlainText(room, limits.title_bytes_max)) {
    throw wrong(`"room" must be a text of 1 to ${limits.title_bytes_max} bytes without control characters.`);
  }
  if (!KINDS.has(kind)) throw wrong('"kind" must be one of message, action, join, leave, rename.');
  const userOf = (nick: unknown, field: string): string => {
    const user = typeof nick === 'string' ? userOfNick(nick) : null;
    if (user === null) throw wrong(`"${field}" must be a nick of 1 to ${limits.user_id_bytes_max} bytes.`);
    return user;
  };
  const user = userOf(from, 'from');
  if (kind === 'rename') {
    return { room, line: { number, time_ms, kind, user, text: '', renamed: userOf(text, 'text') } };
  }
  if (kind === 'join' || kind === 'leave') {
    return { room, line: { number, time_ms, kind, user, text: '', renamed: null } };
  }
  if (typeof text !== 'string') throw wrong('"text" must be what was said, or an empty text.');
  if (!text.isWellFormed()) throw wrong('"text" holds half a surrogate pair, which no encoding can carry.');
  return { room, line: { number, time_ms, kind: kind as LineKind, user, text, renamed: null } };
}
