// What a client tells its application.
import type { ErrorCode } from '../kernel/errors.ts';
import type { EventBody, InboxEntry, PageStatus } from '../protocol/frames.ts';
import type { ClientState } from './client-state.ts';
import type { SentMessage } from './outbox-message.ts';

export interface StateChange {
  readonly state: ClientState;
  readonly previous: ClientState;
  /** Why a connection ended, for people. */
  readonly reason?: string;
  /** With `waiting`: until the next attempt. */
  readonly retryIn_ms?: number;
}

/** `sequenced` may follow `rejected` and `perhaps_not_sent`: an own copy that arrives later wins. */
export type SendProgress =
  | { readonly message: SentMessage; readonly progress: 'queued' | 'accepted' | 'perhaps_not_sent' }
  | { readonly message: SentMessage; readonly progress: 'sequenced'; readonly seq: number }
  | { readonly message: SentMessage; readonly progress: 'rejected'; readonly code: ErrorCode };

export interface ClientFailure {
  /** A code of the catalogue where one is known. All of them end the client but `storage_failed` after the start. */
  readonly code: ErrorCode | 'storage_failed' | 'connection_refused';
  readonly message: string;
  readonly closeCode?: number;
}

export interface ClientEvents {
  state: StateChange;
  /** Every entry of the inbox once, in the order of inboxSeq, pushed or pulled. `client.cursor` is then at this entry. */
  entry: InboxEntry;
  send: SendProgress;
  /** The inbox was renumbered, or it is another user's: drop what was shown. Entries come again from 1. */
  reset: { readonly epoch: number };
  /** The token expires then, and with it this connection; the next one asks for a new token. */
  expiring: { readonly expiresAt: number };
  error: ClientFailure;
}

/** A page of a conversation, or why there is none. `not_connected` and `retry`: ask again once the state is `live`. */
export type HistoryResult =
  | { readonly result: 'events'; readonly events: readonly EventBody[]; readonly status: PageStatus }
  | {
      readonly result: 'refused';
      readonly code: ErrorCode | 'not_connected';
      readonly message: string;
      readonly retry: boolean;
    };

export interface HistoryRange {
  /** Exactly one of the two, as in the protocol. */
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
}

export type SendRefusalCode =
  | 'outbox_full'
  | 'not_started'
  | 'closed'
  | 'payload_too_large'
  | 'invalid_field'
  | 'storage_failed';

/** Thrown by `send`: the message was not taken, and is nowhere. */
export class SendRefused extends Error {
  readonly code: SendRefusalCode;
  constructor(code: SendRefusalCode, message: string) {
    super(message);
    this.name = 'SendRefused';
    this.code = code;
  }
}
