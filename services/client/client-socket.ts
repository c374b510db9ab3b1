// What the SDK needs of a connection: a WebSocket in a browser or of `ws`, the simulation's network in the simulation.

export interface ClientSocketHandlers {
  onOpen(): void;
  onFrame(text: string): void;
  /** Called once, whoever closed, also when it never opened. `code` 1006 when it broke. */
  onClose(code: number, reason: string): void;
}

export interface ClientSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export type ConnectSocket = (url: string, handlers: ClientSocketHandlers) => ClientSocket;
