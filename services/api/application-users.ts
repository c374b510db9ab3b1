// A user known only through the application's own tokens gets an account without a password the first time they come,
// so that nobody can register that name afterwards and read their messages.
import type { Authenticator, Identity } from '../kernel/authentication.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { Tokens } from '../kernel/tokens.ts';
import { type StateStore, StoreError } from '../ports/store/state-store.ts';

/** Users known to have an account: 100,000 ids are 10 MB at most. Forgotten all at once, then asked for again. */
const KNOWN_MAX = 100_000;

export class ApplicationUsers implements Authenticator {
  readonly #tokens: Tokens;
  readonly #store: StateStore;
  readonly #runtime: Runtime;
  readonly #known = new Set<string>();

  constructor(tokens: Tokens, store: StateStore, runtime: Runtime) {
    this.#tokens = tokens;
    this.#store = store;
    this.#runtime = runtime;
  }

  async verify(token: string): Promise<Identity | Refusal> {
    const identity = await this.#tokens.verify(token);
    if ('code' in identity || identity.issuer !== 'app') return identity;
    return (await this.remember(identity.user)) ?? identity;
  }

  /** Makes the account unless there is one; null when all is well. */
  async remember(user: string): Promise<Refusal | null> {
    if (this.#known.has(user)) return null;
    try {
      const account = { user, passwordHash: null, createdAt: this.#runtime.now() };
      if ((await this.#store.loadAccount(user)) === null) await this.#store.createAccount(account);
    } catch (error) {
      if (error instanceof StoreError) return refusal('store_unavailable');
      throw error;
    }
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.add(user);
    return null;
  }
}
