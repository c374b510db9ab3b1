// The id of a group follows from who made it and with which command: repeating the request names the same group.
import { createHash } from 'node:crypto';

export function groupIdOf(creator: string, commandId: string): string {
  const input = `${creator.length}:${creator}${commandId.length}:${commandId}`;
  return `g:${createHash('sha256').update(input).digest('hex').slice(0, 32)}`;
}
