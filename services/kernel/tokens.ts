// Tokens: who may speak as whom, for an hour. JWTs, HS256 and nothing else, with these claims:
//
//   iss   `fanlog`: made by this service after sign-in, signed with FANLOG_SECRET
//         `app`:    made for a user of the application, signed with FANLOG_APP_KEY
//   aud   `fanlog`
//   sub   the user
//   exp   seconds since 1970, at most a day ahead; an hour is usual
//
// An application's backend can make `app` tokens by itself with any JWT library and the key's UTF-8 bytes, or ask for
// them at POST /v1/tokens. `iss` says which key to try; it proves nothing until the signature does.
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose';
import type { Authenticator, Identity } from './authentication.ts';
import { type Refusal, refusal } from './errors.ts';
import type { Runtime } from './runtime.ts';

export const TOKEN_LIFETIME_S = 3_600;
/** A token that lives longer cannot be taken back in time; the edge's expiry timers also fit below this. */
export const TOKEN_LIFETIME_S_MAX = 86_400;
// A header, four short claims and a user id of 64 bytes, each byte escaped, take less than this.
const TOKEN_CHARACTERS_MAX = 2_048;
// The application's clock is not ours.
const APP_CLOCK_TOLERANCE_S = 5;
const AUDIENCE = 'fanlog';
const ALGORITHM = 'HS256';

export type TokenIssuer = 'fanlog' | 'app';

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface VerifiedIdentity extends Identity {
  readonly issuer: TokenIssuer;
}

export interface TokenOptions {
  /** FANLOG_SECRET. */
  readonly secret: string;
  /** FANLOG_APP_KEY; null: tokens of the application are not taken. */
  readonly appKey: string | null;
  /** What a `sub` must be. */
  readonly isUser: (sub: unknown) => sub is string;
  readonly runtime: Runtime;
}

export class Tokens implements Authenticator {
  readonly #keys = new Map<TokenIssuer, Promise<CryptoKey>>();
  readonly #isUser: TokenOptions['isUser'];
  readonly #runtime: Runtime;

  constructor({ secret, appKey, isUser, runtime }: TokenOptions) {
    this.#keys.set('fanlog', importKey(secret));
    if (appKey !== null) this.#keys.set('app', importKey(appKey));
    this.#isUser = isUser;
    this.#runtime = runtime;
  }

  /** Signs a token that lives `lifetime_s`. An `app` token needs the application's key to be set. */
  async issue(user: string, issuer: TokenIssuer = 'fanlog', lifetime_s = TOKEN_LIFETIME_S): Promise<IssuedToken> {
    const key = this.#keys.get(issuer);
    if (key === undefined) throw new Error('no application key is set');
    const now_s = Math.floor(this.#runtime.now() / 1000);
    const exp = now_s + lifetime_s;
    const token = await new SignJWT({ iss: issuer, aud: AUDIENCE, sub: user, iat: now_s, exp })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .sign(await key);
    return { token, expiresAt: exp * 1000 };
  }

  async verify(token: string): Promise<VerifiedIdentity | Refusal> {
    if (token.length > TOKEN_CHARACTERS_MAX) return refusal('unauthenticated');
    try {
      const issuer = decodeJwt(token).iss as TokenIssuer;
      const key = this.#keys.get(issuer);
      if (key === undefined) return refusal('unauthenticated');
      const now = this.#runtime.now();
      const tolerance_s = issuer === 'app' ? APP_CLOCK_TOLERANCE_S : 0;
      const { payload } = await jwtVerify(token, await key, {
        algorithms: [ALGORITHM],
        audience: AUDIENCE,
        issuer,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(now),
        clockTolerance: tolerance_s,
      });
      if (!this.#isUser(payload.sub)) return refusal('unauthenticated', 'sub');
      // Until when this method takes the token, so that a session does not end before it.
      const expiresAt = (payload.exp! + tolerance_s) * 1000;
      if (expiresAt > now + (TOKEN_LIFETIME_S_MAX + 2 * tolerance_s) * 1000) {
        return refusal('unauthenticated', `exp is more than ${TOKEN_LIFETIME_S_MAX} s ahead`);
      }
      return { user: payload.sub, expiresAt, issuer };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refusal('token_expired');
      if (error instanceof errors.JOSEError) return refusal('unauthenticated');
      throw error;
    }
  }
}

function importKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign', 'verify']);
}
