// What to tell about the connection. Nothing is told while all is well.
import type { ClientState } from '../client/browser.ts';

export interface ConnectionText {
  readonly text: string;
  /** Whether "try now" makes sense. */
  readonly canRetry: boolean;
}

/** `retryIn_ms`: until the next attempt, when the state is `waiting` and it is known. */
export function connectionText(state: ClientState, retryIn_ms: number | null): ConnectionText | null {
  switch (state) {
    case 'live':
    case 'idle':
      return null;
    case 'connecting':
    case 'authenticating':
      return { text: 'Connecting…', canRetry: false };
    case 'syncing':
      return { text: 'Catching up…', canRetry: false };
    case 'closed':
      return { text: 'Disconnected.', canRetry: true };
    case 'waiting': {
      if (retryIn_ms === null) return { text: 'No connection. Trying again soon.', canRetry: true };
      const seconds = Math.max(1, Math.ceil(retryIn_ms / 1000));
      return { text: `No connection. Trying again in ${seconds} s.`, canRetry: true };
    }
  }
}
