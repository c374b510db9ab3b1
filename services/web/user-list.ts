// Users as somebody types them into one field.
import { isUserId } from '../events/ids.ts';

/** "bob, carol" as a list without repeats; null when one of them is no user id. */
export function parseUsers(text: string): string[] | null {
  const parts = text
    .split(/[,;\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts.every(isUserId) ? [...new Set(parts)] : null;
}
