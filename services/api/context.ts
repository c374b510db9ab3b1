// What routes work with.
import type { Refusal } from '../kernel/errors.ts';
import type { Passwords } from '../kernel/passwords.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { Tokens } from '../kernel/tokens.ts';
import type { Tables } from '../ports/store/live-tables.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import type { ApplicationUsers } from './application-users.ts';
import type { CommandGateway } from './command-gateway.ts';
import type { RateLimit } from './rate-limit.ts';

export interface ApiContext {
  readonly runtime: Runtime;
  /** Accounts are the same whichever tables are in force. */
  readonly accounts: Pick<StateStore, 'loadAccount' | 'createAccount'>;
  /** Derived rows: a request takes the set in force when it begins, and no other. */
  readonly tables: Tables;
  readonly gateway: CommandGateway;
  readonly tokens: Tokens;
  readonly users: ApplicationUsers;
  readonly passwords: Passwords;
  /** By address. */
  readonly signInLimit: RateLimit;
  /** By user, whether or not there is one of that name. */
  readonly passwordLimit: RateLimit;
  /** FANLOG_APP_KEY; null: the application's door is closed. */
  readonly appKey: string | null;
  /** Addresses of edges for a client that reached us under this host name. */
  readonly edgeUrls: (hostname: string) => readonly string[];
  /** null when messages come through; otherwise why not. */
  readonly unready: () => Refusal | null;
}
