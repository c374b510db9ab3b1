// Protocol v1: what edge and client say to each other (services/protocol/README.md is the page for people).
// One JSON object per WebSocket text message. Requests carry an id and get exactly one reply with that id; pushes carry none.
import type { ErrorCode } from '../kernel/errors.ts';

export const SUBPROTOCOL = 'fanlog.v1.json';
export const CONTENT_TYPE_DEFAULT = 'text/plain; charset=utf-8';

/** A place in a user's inbox. */
export interface Cursor {
  /** Which numbering of inboxes; another one means: drop the cursor, pull from 0. */
  readonly epoch: number;
  /** Everything up to here is known. 0 for nothing. */
  readonly inboxSeq: number;
}

// --- requests -------------------------------------------------------------------------------------------------------

export interface HelloRequest {
  readonly id: number;
  readonly type: 'hello';
  readonly token: string;
  /** Names this device (or browser tab) of the user; a second connection with the same name replaces the first. */
  readonly device: string;
  readonly platform?: string;
  readonly cursor?: Cursor;
}

export interface SendRequest {
  readonly id: number;
  readonly type: 'send';
  /** 1, 2, 3 … on each connection. Only the next number is taken; a retryable refusal leaves it standing. */
  readonly number: number;
  readonly conversationId: string;
  /** UUIDv7 from the server's time, made at the first attempt and kept for every later one. */
  readonly clientMessageId: string;
  readonly contentType?: string;
  readonly payload: string;
}

export interface SyncRequest {
  readonly id: number;
  readonly type: 'sync';
  readonly cursor: Cursor;
  /** Entries at most, 1 to 100. */
  readonly limit?: number;
}

/** Exactly one of `before` and `after`. `before`: the newest below it, descending. `after`: the oldest above, ascending. */
export interface HistoryRequest {
  readonly id: number;
  readonly type: 'history';
  readonly conversationId: string;
  readonly before?: number;
  readonly after?: number;
  readonly limit?: number;
}

export interface HeartbeatRequest {
  readonly id: number;
  readonly type: 'heartbeat';
}

export type Request = HelloRequest | SendRequest | SyncRequest | HistoryRequest | HeartbeatRequest;

// --- replies --------------------------------------------------------------------------------------------------------

export interface WelcomeReply {
  readonly id: number;
  readonly type: 'welcome';
  readonly user: string;
  readonly serverTime: number;
  readonly heartbeat_ms: number;
  readonly epoch: number;
  /** The exact greatest inboxSeq when the hello was answered. */
  readonly head: number;
  readonly limits: {
    readonly frame_bytes_max: number;
    readonly payload_bytes_max: number;
    readonly frames_per_second: number;
    readonly page_entries_max: number;
  };
}

/** The log has it and it will be decided. It carries no seq: the outcome, or the own copy, does. */
export interface AcceptedReply {
  readonly id: number;
  readonly type: 'accepted';
}

export interface InboxEntry {
  readonly inboxSeq: number;
  readonly event: EventBody;
}

/** `more`: pull again at once. `end`: that was all. `wait`: there is a hole, pull again after a pause. */
export type PageStatus = 'more' | 'end' | 'wait';

export interface EntriesReply {
  readonly id: number;
  readonly type: 'entries';
  readonly epoch: number;
  /** Dense: cursor + 1, cursor + 2, … */
  readonly entries: readonly InboxEntry[];
  readonly status: PageStatus;
}

export interface EventsReply {
  readonly id: number;
  readonly type: 'events';
  /** In the order asked for: ascending after `after`, descending before `before`. */
  readonly events: readonly EventBody[];
  readonly status: PageStatus;
}

export interface HeartbeatReply {
  readonly id: number;
  readonly type: 'heartbeat';
  readonly serverTime: number;
  /** The greatest inboxSeq that this edge knows of: above the cursor for long means pull. */
  readonly head: number;
}

export interface ErrorReply {
  /** The request's id; null when the frame had none that could be read. */
  readonly id: number | null;
  readonly type: 'error';
  readonly code: ErrorCode;
  readonly message: string;
  readonly retry: boolean;
  /** With `out_of_turn`: the number that is expected. */
  readonly number?: number;
  /** With `epoch_changed`: the epoch in force. */
  readonly epoch?: number;
}

export type Reply = WelcomeReply | AcceptedReply | EntriesReply | EventsReply | HeartbeatReply | ErrorReply;

// --- pushes ---------------------------------------------------------------------------------------------------------

export interface PushFrame {
  readonly type: 'push';
  readonly inboxSeq: number;
  readonly event: EventBody;
}

/** How a send ended. It may come before its `accepted`. A lost one costs nothing: the own copy says the same. */
export interface OutcomeFrame {
  readonly type: 'outcome';
  readonly conversationId: string;
  readonly clientMessageId: string;
  readonly result: 'sequenced' | 'rejected';
  /** With `sequenced`. */
  readonly seq?: number;
  readonly time?: number;
  /** With `sequenced`: it was decided by an earlier attempt. */
  readonly repeat?: boolean;
  /** With `rejected`. */
  readonly code?: ErrorCode;
  readonly message?: string;
}

/** Something may have been missed: pull. */
export interface BehindFrame {
  readonly type: 'behind';
}

/** The token expires soon; the connection closes when it does. */
export interface ExpiringFrame {
  readonly type: 'expiring';
  readonly expiresAt: number;
}

export type Push = PushFrame | OutcomeFrame | BehindFrame | ExpiringFrame;
export type ServerFrame = Reply | Push;

// --- events ---------------------------------------------------------------------------------------------------------

interface EventCommon {
  readonly conversationId: string;
  /** Dense from 1 in the conversation. */
  readonly seq: number;
  /** Messages of the conversation up to and including this event. */
  readonly ordinal: number;
  readonly sender: string;
  /** The sender's id for it: their `clientMessageId`, or the id of their command. */
  readonly clientMessageId: string;
  /** Milliseconds since 1970 by the log's clock. */
  readonly time: number;
}

export type EventBody =
  | (EventCommon & { readonly kind: 'message'; readonly contentType: string; readonly payload: string })
  | (EventCommon & { readonly kind: 'created'; readonly title: string; readonly members: readonly string[] })
  | (EventCommon & { readonly kind: 'added'; readonly members: readonly string[] })
  | (EventCommon & { readonly kind: 'removed'; readonly member: string })
  | (EventCommon & { readonly kind: 'left'; readonly successor: string | null });
