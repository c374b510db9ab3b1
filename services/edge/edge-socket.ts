// What a session needs of a socket: uWebSockets.js in production, the simulation's network in the simulation.

export interface EdgeSocket {
  /** A text frame. `dropped`: the socket's buffer is full and this frame is lost. The bytes may be reused afterwards. */
  send(frame: Uint8Array | string): 'sent' | 'buffered' | 'dropped';
  /** Runs `write` so that all frames sent in it leave together. */
  cork(write: () => void): void;
  /** Closes with a code of the catalogue. */
  end(code: number, reason: string): void;
}
