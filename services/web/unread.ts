// How much is unread. The server keeps no read positions yet, so a browser keeps its own: per conversation, how many of
// its messages were seen. All tabs of a user share them, and the highest wins, as it would on a server.
import type { Conversation } from './conversation-book.ts';

export type ReadPositions = Readonly<Record<string, number>>;

export function unreadOf(conversation: Conversation, positions: ReadPositions): number {
  const read = Math.max(positions[conversation.id] ?? 0, conversation.ownOrdinal);
  return Math.max(0, conversation.ordinal - read);
}

/** The same object when nothing is new. */
export function withRead(positions: ReadPositions, id: string, ordinal: number): ReadPositions {
  return ordinal > (positions[id] ?? 0) ? { ...positions, [id]: ordinal } : positions;
}

export function mergePositions(a: ReadPositions, b: ReadPositions): ReadPositions {
  let merged = a;
  for (const [id, ordinal] of Object.entries(b)) merged = withRead(merged, id, ordinal);
  return merged;
}

/** Another program, or an older page, may have written anything there. */
export function parsePositions(text: string | null): ReadPositions {
  if (text === null) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter(([, value]) => Number.isSafeInteger(value)));
  } catch {
    return {};
  }
}
