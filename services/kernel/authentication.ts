// Who a token speaks for. The implementation (HS256, kernel/tokens.ts) is injected, so that edges know no algorithm.
import type { Refusal } from './errors.ts';

export interface Identity {
  readonly user: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface Authenticator {
  /** The identity, or why not: `unauthenticated` or `token_expired`. Never throws on what a client sent. */
  verify(token: string): Promise<Identity | Refusal>;
}
