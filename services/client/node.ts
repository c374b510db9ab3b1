// The client in Node: sockets of the package `ws`.
import WebSocket from 'ws';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { SUBPROTOCOL } from '../protocol/frames.ts';
import type { ClientOptions } from './client-options.ts';
import type { ConnectSocket } from './client-socket.ts';
import { FanlogClient } from './fanlog-client.ts';

export * from './index.ts';
export { systemRuntime };

// A page of 100 payloads of 16 KiB is 1.6 MB, and ten times that if every character is escaped.
const FRAME_BYTES_MAX = 32 * 1024 * 1024;

export const connectNode: ConnectSocket = (url, handlers) => {
  const socket = new WebSocket(url, [SUBPROTOCOL], {
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
    skipUTF8Validation: true,
  });
  socket.on('open', () => handlers.onOpen());
  socket.on('message', (data) => handlers.onFrame(String(data)));
  // `close` follows, with 1006.
  socket.on('error', () => {});
  socket.on('close', (code, reason) => handlers.onClose(code, reason.toString()));
  return {
    send: (text) => {
      // Between its last frame and `close` a socket takes nothing; that the frame is lost shows in `close`.
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
  };
};

/** A client with the real clock and real sockets, not yet started. */
export function createNodeClient(options: Omit<ClientOptions, 'runtime' | 'connect'>): FanlogClient {
  return new FanlogClient({ ...options, runtime: systemRuntime, connect: connectNode });
}
