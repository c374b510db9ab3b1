// Where a client stands. One table says which steps exist; a step that is not in it is a bug and throws.
//
//   idle ─▶ connecting ─▶ authenticating ─▶ syncing ─▶ live
//              ▲  └───────────┬────────────────┴────────┘
//              └── waiting ◀──┘             every state ─▶ closed

export type ClientState = 'idle' | 'connecting' | 'authenticating' | 'syncing' | 'live' | 'waiting' | 'closed';

export const clientTransitions: Readonly<Record<ClientState, readonly ClientState[]>> = {
  idle: ['connecting', 'closed'],
  /** Asks for edges and a token, then opens a socket. */
  connecting: ['authenticating', 'waiting', 'closed'],
  /** The socket is open, hello is sent. */
  authenticating: ['syncing', 'waiting', 'closed'],
  /** Pulls to the head. Nothing is sent yet: what comes back need not be sent again. */
  syncing: ['live', 'waiting', 'closed'],
  live: ['waiting', 'closed'],
  /** For the pause before the next attempt. */
  waiting: ['connecting', 'closed'],
  closed: [],
};

export function assertTransition(from: ClientState, to: ClientState): void {
  if (!clientTransitions[from].includes(to)) throw new Error(`a client cannot go from ${from} to ${to}`);
}
