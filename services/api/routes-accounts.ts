// Accounts, sessions, and tokens for the application's own users.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Refusal, refusal } from '../kernel/errors.ts';
import { TOKEN_LIFETIME_S, TOKEN_LIFETIME_S_MAX } from '../kernel/tokens.ts';
import type { ApiContext } from './context.ts';
import { refuse, succeed } from './reply.ts';
import { session } from './reply-schemas.ts';
import { object, PASSWORD_CHARACTERS_MAX, password, user } from './request-schemas.ts';

const TOKEN_LIFETIME_S_MIN = 60;

interface Credentials {
  user: string;
  password: string;
}

export function accountRoutes(app: FastifyInstance, context: ApiContext): void {
  const { accounts, passwords, tokens, users, runtime, signInLimit, passwordLimit, appKey } = context;
  const headers = { type: 'object', properties: { 'x-fanlog-app-key': { type: 'string' } } };

  app.post<{ Body: Credentials }>(
    '/v1/accounts',
    {
      schema: {
        summary: 'Make an account and sign in; where an application key is set, only with that key',
        headers,
        body: object({ user, password }, ['user', 'password']),
        answers: { 201: session },
        refusals: ['not_permitted', 'user_exists', 'too_many_requests', 'store_unavailable'],
      },
    },
    async (request, reply) => {
      if (!signInLimit.take(request.ip)) return refuse(request, reply, refusal('too_many_requests'));
      // Otherwise anybody could take the name of one of the application's users before they first come, and keep reading.
      const closed = appKey === null ? null : refusedKey(request.headers['x-fanlog-app-key'], appKey);
      if (closed !== null) return refuse(request, reply, closed);
      const { user: name, password: secret } = request.body;
      // Looked up first: hashing costs 80 ms, and the look-up gives away no more than the answer does.
      if ((await accounts.loadAccount(name)) !== null) return refuse(request, reply, refusal('user_exists'));
      const passwordHash = await passwords.hash(secret);
      if (typeof passwordHash !== 'string') return refuse(request, reply, passwordHash);
      const created = await accounts.createAccount({ user: name, passwordHash, createdAt: runtime.now() });
      if (!created) return refuse(request, reply, refusal('user_exists'));
      return succeed(request, reply, { user: name, ...(await tokens.issue(name)) }, 201);
    },
  );

  // No lower bound on the password: a rule that came later must not lock out who registered before it.
  const signIn = object({ user, password: { type: 'string', maxLength: PASSWORD_CHARACTERS_MAX } }, [
    'user',
    'password',
  ]);
  app.post<{ Body: Credentials }>(
    '/v1/sessions',
    {
      schema: {
        summary: 'Sign in',
        body: signIn,
        answers: { 201: session },
        refusals: ['wrong_credentials', 'too_many_requests', 'store_unavailable'],
      },
    },
    async (request, reply) => {
      if (!signInLimit.take(request.ip)) return refuse(request, reply, refusal('too_many_requests'));
      const { user: name, password: secret } = request.body;
      // Taken before the password is looked at, so that guesses sent all at once count too.
      if (!passwordLimit.take(name)) return refuse(request, reply, refusal('too_many_requests'));
      const account = await accounts.loadAccount(name);
      const right = await passwords.verify(secret, account?.passwordHash ?? null);
      if (typeof right !== 'boolean') return refuse(request, reply, right);
      if (!right) return refuse(request, reply, refusal('wrong_credentials'));
      passwordLimit.forgive(name);
      return succeed(request, reply, { user: name, ...(await tokens.issue(name)) }, 201);
    },
  );

  const lifetime = { type: 'integer', minimum: TOKEN_LIFETIME_S_MIN, maximum: TOKEN_LIFETIME_S_MAX };
  app.post<{ Body: { user: string; ttl_s?: number } }>(
    '/v1/tokens',
    {
      schema: {
        summary: "Make a token for one of the application's own users; an unknown user is created",
        headers,
        body: object({ user, ttl_s: lifetime }, ['user']),
        answers: { 201: session },
        refusals: ['not_permitted', 'store_unavailable'],
      },
    },
    async (request, reply) => {
      const refused = refusedKey(request.headers['x-fanlog-app-key'], appKey);
      if (refused !== null) return refuse(request, reply, refused);
      const { user: name, ttl_s = TOKEN_LIFETIME_S } = request.body;
      const unknown = await users.remember(name);
      if (unknown !== null) return refuse(request, reply, unknown);
      return succeed(request, reply, { user: name, ...(await tokens.issue(name, 'app', ttl_s)) }, 201);
    },
  );
}

function refusedKey(given: string | string[] | undefined, appKey: string | null): Refusal | null {
  if (appKey === null) return refusal('not_permitted', 'FANLOG_APP_KEY is not set');
  if (typeof given !== 'string') return refusal('not_permitted', 'x-fanlog-app-key');
  // Digests have one length, so the comparison tells nothing about the key's.
  return timingSafeEqual(digest(given), digest(appKey)) ? null : refusal('not_permitted', 'x-fanlog-app-key');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
