// Binds an EdgeNode to uWebSockets.js: `/v1` on one port, subprotocol `fanlog.v1.json`.
//
// Heartbeats are the protocol's own, so uWebSockets.js sends no pings; its idle timeout only ends sockets whose peer
// never takes the close. Origins are not checked: a token authorizes, never a cookie.
import type * as Uws from 'uWebSockets.js';
import { errorCatalogue } from '../kernel/errors.ts';
import type { Limits } from '../kernel/limits.ts';
import { SUBPROTOCOL } from '../protocol/frames.ts';
import type { EdgeSession } from './edge-session.ts';
import type { EdgeSocket } from './edge-socket.ts';
import { loadUws, type UwsModule } from './load-uws.ts';

export const SOCKET_PATH = '/v1';

/** A frame this much over the limit is still read, so that it can be refused with a code instead of a broken connection. */
const FRAME_SLACK_BYTES = 16 * 1024;
/** Seconds, as uWebSockets.js counts: more than twice the heartbeat, at which the session itself gives up. */
const IDLE_TIMEOUT_S = 120;
/** A lagging session goes on when the socket's buffer is down to this part of its limit. */
const WRITABLE_PART = 0.25;

export interface EdgeServerNode {
  accept(socket: EdgeSocket): EdgeSession;
  ready(): boolean;
}

export interface SocketServerOptions {
  readonly node: EdgeServerNode;
  readonly limits: Limits;
  /** 0 for any free one. */
  readonly port: number;
  /** Where to listen; all interfaces without it. */
  readonly host?: string;
}

export interface SocketServer {
  readonly port: number;
  /** Takes no new connections; those there stay. */
  stopListening(): void;
  /** Cuts every connection that is left. */
  close(): void;
}

/** What stood in the way of listening; a port that is taken, as a rule. */
export interface ListenFailure {
  readonly failed: 'port_taken';
  readonly message: string;
}

interface UserData {
  socket: UwsSocket | null;
}

class UwsSocket implements EdgeSocket {
  readonly session: EdgeSession;
  #ws: Uws.WebSocket<UserData> | null;

  constructor(ws: Uws.WebSocket<UserData>, node: EdgeServerNode) {
    this.#ws = ws;
    this.session = node.accept(this);
  }

  send(frame: Uint8Array | string): 'sent' | 'buffered' | 'dropped' {
    // Touching a closed uWebSocket throws.
    const result = this.#ws === null ? 2 : this.#ws.send(frame, false);
    return result === 1 ? 'sent' : result === 0 ? 'buffered' : 'dropped';
  }

  cork(write: () => void): void {
    this.#ws?.cork(write);
  }

  end(code: number, reason: string): void {
    this.#ws?.end(code, reason);
  }

  onClosed(): void {
    this.#ws = null;
    this.session.onClose();
  }
}

/** @throws Error when uWebSockets.js does not load. */
export async function listenForSockets(options: SocketServerOptions): Promise<SocketServer | ListenFailure> {
  const uws = await loadUws();
  const { node, limits, port, host } = options;
  const app = uws.App();
  app.ws<UserData>(SOCKET_PATH, behaviourOf(uws, node, limits));
  app.any('/*', (response) => {
    response.writeStatus('404 Not Found').end(errorCatalogue.not_found.message);
  });
  app.any(SOCKET_PATH, (response) => {
    response.writeStatus('426 Upgrade Required').writeHeader('Upgrade', 'websocket').end('This is a WebSocket.');
  });
  const listening = await new Promise<Uws.us_listen_socket | false>((resolve) => {
    // Exclusive: without it two servers share a port silently.
    const exclusive = uws.LIBUS_LISTEN_EXCLUSIVE_PORT;
    if (host === undefined) app.listen(port, exclusive, resolve);
    else (app.listen as unknown as ListenOnHost).call(app, host, port, exclusive, resolve);
  });
  if (listening === false) {
    app.close();
    const message = `Port ${port} for WebSockets is taken. Choose another with FANLOG_EDGE_PORT, or end what uses it.`;
    return { failed: 'port_taken', message };
  }
  return serverOf(uws, app, listening);
}

/** Takes options as well, which the types do not say. */
type ListenOnHost = (
  host: string,
  port: number,
  options: number,
  callback: (socket: Uws.us_listen_socket | false) => void,
) => Uws.TemplatedApp;

function serverOf(uws: UwsModule, app: Uws.TemplatedApp, listening: Uws.us_listen_socket): SocketServer {
  let open = true;
  const port = uws.us_socket_local_port(listening as Uws.us_socket);
  const stopListening = () => {
    if (open) uws.us_listen_socket_close(listening);
    open = false;
  };
  return {
    port,
    stopListening,
    close() {
      stopListening();
      app.close();
    },
  };
}

function behaviourOf(uws: UwsModule, node: EdgeServerNode, limits: Limits): Uws.WebSocketBehavior<UserData> {
  const socketOf = (ws: Uws.WebSocket<UserData>) => ws.getUserData().socket!;
  return {
    compression: uws.DISABLED,
    maxPayloadLength: limits.frame_bytes_max + FRAME_SLACK_BYTES,
    maxBackpressure: limits.socket_buffer_bytes_max,
    closeOnBackpressureLimit: false,
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: false,
    maxLifetime: 0,
    upgrade(response, request, context) {
      const offered = request.getHeader('sec-websocket-protocol');
      const protocol = chooseProtocol(offered);
      if (protocol === null) {
        response.writeStatus('400 Bad Request').end(`The subprotocol must be ${SUBPROTOCOL}.`);
        return;
      }
      const key = request.getHeader('sec-websocket-key');
      response.upgrade<UserData>({ socket: null }, key, protocol, '', context);
    },
    open(ws) {
      ws.getUserData().socket = new UwsSocket(ws, node);
    },
    message(ws, message, isBinary) {
      const { session } = socketOf(ws);
      if (isBinary) session.onBinaryFrame();
      else session.onFrame(new Uint8Array(message));
    },
    drain(ws) {
      if (ws.getBufferedAmount() <= limits.socket_buffer_bytes_max * WRITABLE_PART) socketOf(ws).session.onWritable();
    },
    close(ws) {
      // Not there yet if the node closed it at once.
      ws.getUserData().socket?.onClosed();
    },
  };
}

/** '' when none was offered, which is taken for ours; null when only others were. */
function chooseProtocol(offered: string): string | null {
  if (offered === '') return '';
  const names = offered.split(',').map((name) => name.trim());
  return names.includes(SUBPROTOCOL) ? SUBPROTOCOL : null;
}
