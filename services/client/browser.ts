// The client in a browser: its own WebSocket.
import { SUBPROTOCOL } from '../protocol/frames.ts';
import { browserRuntime } from './browser-runtime.ts';
import type { ClientOptions } from './client-options.ts';
import type { ConnectSocket } from './client-socket.ts';
import { FanlogClient } from './fanlog-client.ts';

export * from './index.ts';
export { localStorageOf } from './local-storage.ts';
export { browserRuntime };

export const connectBrowser: ConnectSocket = (url, handlers) => {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.onopen = () => handlers.onOpen();
  socket.onmessage = ({ data }) => handlers.onFrame(String(data));
  socket.onclose = ({ code, reason }) => handlers.onClose(code, reason);
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
  };
};

/** A client with the real clock and real sockets, not yet started. */
export function createBrowserClient(options: Omit<ClientOptions, 'runtime' | 'connect'>): FanlogClient {
  return new FanlogClient({ ...options, runtime: browserRuntime, connect: connectBrowser });
}
