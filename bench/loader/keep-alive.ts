// Every connection says that it is there, each in time, and not all at once. Connections that are added meanwhile are
// served too.
import type { ChatConnection } from './chat-connection.ts';

const TURN_MS = 50;
/** Of the interval that the server asked for: a turn may be late. */
const SHARE = 0.8;
/** The golden ratio: its multiples spread evenly over an interval, however many there are. */
const STEP = 0.618;

/** Returns what ends it. */
export function keepAlive(connections: readonly ChatConnection[]): () => void {
  const dueAt: number[] = [];
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [i, connection] of connections.entries()) {
      const interval_ms = connection.heartbeat_ms * SHARE;
      dueAt[i] ??= now + interval_ms * ((i * STEP) % 1);
      if (now < dueAt[i]) continue;
      dueAt[i] += interval_ms;
      connection.sendHeartbeat();
    }
  }, TURN_MS);
  return () => clearInterval(timer);
}
