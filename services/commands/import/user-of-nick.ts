// One user for one nick, in every room and every run. Almost every nick is a legal user id already; what is not is written
// with escapes, so that two nicks never meet in one user and the nick can be read back.
import { isUserId } from '../../events/ids.ts';

/** Owns every group, adds and removes. A nick of that name gets another id. */
export const IMPORTER = 'importer';

// Path segments that mean something else in an address, and names that are taken.
const RESERVED: ReadonlySet<string> = new Set(['.', '..', IMPORTER]);

/** The user's id, or null: even with its escapes (%XX, as in addresses) the nick is empty or over 64 bytes. */
export function userOfNick(nick: string): string | null {
  if (!nick.isWellFormed()) return null;
  // Of a reserved nick one kind of letter is enough.
  const id = nick.replace(RESERVED.has(nick) ? /[.i]/g : /[%\p{Cc}]/gu, escapeAll);
  return isUserId(id) ? id : null;
}

export function nickOfUser(user: string): string {
  return user.replace(/(?:%[0-9A-F]{2})+/g, (escaped) => decodeURIComponent(escaped));
}

function escapeAll(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
