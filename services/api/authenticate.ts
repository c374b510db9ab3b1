// Who asks: `Authorization: Bearer <token>`. Routes that need a user have `userOf` as their first hook.
import type { FastifyRequest } from 'fastify';
import { RefusedError, refusal } from '../kernel/errors.ts';
import type { ApiContext } from './context.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the hook of `authenticated` routes. */
    user: string;
  }
}

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Options of a route that needs a user. */
export function authenticated({ users }: ApiContext) {
  return {
    onRequest: async (request: FastifyRequest): Promise<void> => {
      const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
      if (token === undefined) throw new RefusedError(refusal('unauthenticated'));
      const identity = await users.verify(token);
      if ('code' in identity) throw new RefusedError(identity);
      request.user = identity.user;
    },
    config: { needsUser: true },
  };
}
