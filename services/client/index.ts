// The door of the SDK. It runs anywhere: sockets, time and chance come in (node.ts and browser.ts bring the real ones).
export type { Cursor, EventBody, InboxEntry, PageStatus } from '../protocol/frames.ts';
export type {
  ClientEvents,
  ClientFailure,
  HistoryRange,
  HistoryResult,
  SendProgress,
  SendRefusalCode,
  StateChange,
} from './client-events.ts';
export { SendRefused } from './client-events.ts';
export type { ClientLimits, ClientOptions } from './client-options.ts';
export { clientLimits } from './client-options.ts';
export type { ClientSocket, ClientSocketHandlers, ConnectSocket } from './client-socket.ts';
export type { ClientState } from './client-state.ts';
export type { ClientStorage, Saved, SavedMessage } from './client-storage.ts';
export { memoryStorage } from './client-storage.ts';
export { FanlogClient } from './fanlog-client.ts';
export * from './http-api.ts';
export type { SendResult, SendStage, SentMessage } from './outbox-message.ts';
export { ServerClock } from './server-clock.ts';
