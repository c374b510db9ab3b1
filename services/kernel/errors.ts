// The one catalogue of errors: what a client, a caller of the HTTP api or an operator can be told. Expected refusals are
// values that carry one of these codes; exceptions are for bugs and broken I/O.
//
// Close codes: 4000-4499 the client reconnects, 4500-4999 it does not (docs: services/protocol/README.md).

export interface ErrorEntry {
  /** HTTP status. */
  readonly status: number;
  /** WebSocket close code, for errors that end the connection. */
  readonly close?: number;
  /** Whether the same request can succeed later, unchanged. */
  readonly retry: boolean;
  /** What happened, why, and what to do. */
  readonly message: string;
}

export const errorCatalogue = {
  // The shape of a request
  bad_frame: {
    status: 400,
    close: 4500,
    retry: false,
    message:
      'The frame is not UTF-8 text, not one JSON object, has no text as its type, or holds too many values. See the protocol page for its form.',
  },
  frame_too_large: {
    status: 413,
    close: 4501,
    retry: false,
    message: 'The frame is larger than the limit given at hello. Split or shorten the payload.',
  },
  too_deep: { status: 400, close: 4502, retry: false, message: 'The JSON is nested deeper than 8 levels. Flatten it.' },
  unknown_type: {
    status: 400,
    retry: false,
    message: 'No request of that type exists in this version of the protocol. See the protocol page for the types.',
  },
  invalid_field: {
    status: 400,
    retry: false,
    message: 'A field is missing, of the wrong type or out of its bounds. Correct it and send again.',
  },
  payload_too_large: {
    status: 413,
    retry: false,
    message: 'The payload is over 16 KiB of UTF-8. Shorten it, or store it elsewhere and send a link.',
  },
  not_found: { status: 404, retry: false, message: 'Nothing is found at that address. Check the path and the id.' },
  method_not_allowed: {
    status: 405,
    retry: false,
    message: 'That address does not take this method. Use one of those that the header Allow names.',
  },
  // Who is asking
  hello_expected: {
    status: 401,
    close: 4510,
    retry: false,
    message: 'The first request of a connection must be hello. Send it before anything else.',
  },
  hello_timeout: {
    status: 408,
    close: 4010,
    retry: true,
    message: 'No hello came within 5 seconds. Connect again and send it first.',
  },
  hello_repeated: {
    status: 400,
    retry: false,
    message: 'This connection has said hello already. Open another connection for another user.',
  },
  unauthenticated: {
    status: 401,
    close: 4511,
    retry: false,
    message: 'The token is missing, malformed or not signed by this service. Sign in again.',
  },
  token_expired: {
    status: 401,
    close: 4012,
    retry: false,
    message: 'The token has expired. Get a new one and connect again.',
  },
  too_many_devices: {
    status: 429,
    close: 4512,
    retry: false,
    message: 'This user has 10 devices connected. Close one of them first.',
  },
  session_replaced: {
    status: 409,
    close: 4513,
    retry: false,
    message: 'The same device connected again elsewhere. Use one connection per device.',
  },
  wrong_credentials: { status: 401, retry: false, message: 'The user or the password is wrong. Check both.' },
  user_exists: { status: 409, retry: false, message: 'That user name is taken. Choose another, or sign in.' },
  not_permitted: {
    status: 403,
    retry: false,
    message: 'The credentials given do not allow this. Use the application key or another account.',
  },
  // How much
  too_many_frames: {
    status: 429,
    close: 4020,
    retry: true,
    message: 'More frames than the rate given at hello. Wait a second and connect again.',
  },
  too_many_requests: { status: 429, retry: true, message: 'Too many requests at once. Wait a second and try again.' },
  // Commands: refused before the log
  out_of_turn: {
    status: 409,
    retry: true,
    message: 'This send has another number than the one expected. Send again from the expected number on, in order.',
  },
  log_unavailable: {
    status: 503,
    retry: true,
    message: 'The log did not confirm the write in time. Send the same again, with the same id.',
  },
  overloaded: {
    status: 503,
    retry: true,
    message: 'The queue to the log is full. Send the same again, with the same id, after a pause.',
  },
  // Commands: decided by the fold
  clock: {
    status: 409,
    retry: false,
    message: 'The id is more than 1 minute ahead of the log. Make ids from the time the server gave at hello.',
  },
  too_old: {
    status: 409,
    retry: false,
    message:
      'The id is more than 10 minutes old, so whether it was sent before is no longer known. Look at the history, then send it as a new message.',
  },
  not_a_member: {
    status: 403,
    retry: false,
    message: 'The sender is not a member of the conversation. Ask to be added.',
  },
  not_allowed: {
    status: 403,
    retry: false,
    message: 'Only the owner and admins of the conversation may do that. Ask one of them.',
  },
  conversation_not_found: {
    status: 404,
    retry: false,
    message: 'No such conversation exists. Check the id, or create it first.',
  },
  conversation_exists: {
    status: 409,
    retry: false,
    message: 'A conversation with that id exists. Use another command id.',
  },
  conversation_full: {
    status: 409,
    retry: false,
    message: 'The conversation would have more members than its limit. Remove someone, or create a larger one.',
  },
  wrong_kind: {
    status: 409,
    retry: false,
    message: 'Members of a direct conversation cannot change. Create a group instead.',
  },
  // Reading
  epoch_changed: {
    status: 409,
    retry: false,
    message: 'The inbox was renumbered. Drop the cursor and pull from zero in the epoch given here.',
  },
  store_unavailable: { status: 503, retry: true, message: 'The store did not answer. Try again after a pause.' },
  // The service
  undecided: {
    status: 202,
    retry: true,
    message:
      'The command is in the log but was not decided within the deadline. Repeat the request with the same Idempotency-Key to learn its outcome.',
  },
  draining: {
    status: 503,
    close: 4030,
    retry: true,
    message: 'This server is going down for a restart. Connect again; another one answers.',
  },
  half_open: {
    status: 408,
    close: 4031,
    retry: true,
    message: 'No heartbeat came for twice the interval. Connect again.',
  },
  not_ready: {
    status: 503,
    retry: true,
    message: 'The service is starting, or messages are not coming through. Try again.',
  },
  internal: {
    status: 500,
    close: 4032,
    retry: true,
    message: 'The server failed in a way it did not expect. Try again; the request id finds it in the log.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/**
 * An expected refusal, as a value. `detail` says which field or which limit, never what a user wrote. One that ends with a
 * full stop says everything, and stands alone.
 */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: string;
}

export function refusal(code: ErrorCode, detail?: string): Refusal {
  return detail === undefined ? { code } : { code, detail };
}

/** What every reply that refuses says, over WebSocket and HTTP alike. */
export function describe(refused: Refusal): { code: ErrorCode; message: string; retry: boolean } {
  const entry = errorCatalogue[refused.code];
  return { code: refused.code, message: messageOf(refused.detail, entry), retry: entry.retry };
}

function messageOf(detail: string | undefined, { message }: ErrorEntry): string {
  if (detail === undefined) return message;
  return detail.endsWith('.') ? detail : `${detail}: ${message}`;
}

/** A refusal on its way through code that cannot return it. */
export class RefusedError extends Error {
  readonly refused: Refusal;
  constructor(refused: Refusal) {
    super(describe(refused).message);
    this.name = 'RefusedError';
    this.refused = refused;
  }
}
