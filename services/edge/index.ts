// The door of the edge stage.
export { EdgeNode, type EdgeNodeDeps } from './edge-node.ts';
export type { EdgeSession } from './edge-session.ts';
export type { EdgeSocket } from './edge-socket.ts';
export {
  type ListenFailure,
  listenForSockets,
  SOCKET_PATH,
  type SocketServer,
  type SocketServerOptions,
} from './socket-server.ts';
