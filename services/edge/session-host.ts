// What a session asks of its node.
import type { Authenticator } from '../kernel/authentication.ts';
import type { Refusal } from '../kernel/errors.ts';
import type { Limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { SendRequest } from '../protocol/frames.ts';
import type { ConnectedUser } from './connected-user.ts';
import type { EdgeSession } from './edge-session.ts';
import type { ReadRequest } from './serve-reads.ts';
import type { TickWriter } from './tick-writer.ts';

export interface SessionHost {
  readonly runtime: Runtime;
  readonly limits: Limits;
  /** Of the tables in force. */
  readonly epoch: number;
  readonly authenticator: Authenticator;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly writer: TickWriter;
  /** Makes the session one of the user's; a session of the same device ends. Or `too_many_devices`. */
  attach(session: EdgeSession, user: string, device: string): ConnectedUser | Refusal;
  detach(session: EdgeSession, user: ConnectedUser): void;
  /** Resolves when every look-up from now on finds the user here, or when `behind` will follow instead. */
  ensureRegistered(user: ConnectedUser): Promise<void>;
  /** Reads the exact head, in the epoch in force when it resolves, into `user.head`; null when the store does not answer. */
  readHead(user: ConnectedUser): Promise<number | null>;
  /** Reads it again, now and then. */
  checkHead(user: ConnectedUser, monotonic: number): void;
  /** null: it is on its way, the session hears how it ended. */
  appendSend(session: EdgeSession, request: SendRequest): Refusal | null;
  /** The frame to answer with, from the tables in force at the call. */
  serveRead(user: ConnectedUser, request: ReadRequest): Promise<string>;
  onSessionClosed(session: EdgeSession, user: ConnectedUser | null): void;
}
