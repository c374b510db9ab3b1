// Pages of any origin may use the api: it takes tokens, never cookies, so a foreign page can do nothing by itself.
import type { FastifyInstance } from 'fastify';

const PREFLIGHT_CACHE_S = 600;

export function allowOtherOrigins(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('access-control-allow-origin', '*');
    reply.header('access-control-expose-headers', 'retry-after');
    reply.header('x-content-type-options', 'nosniff');
    if (request.method !== 'OPTIONS') return;
    reply.header('access-control-allow-methods', 'GET, POST, DELETE');
    reply.header('access-control-allow-headers', 'authorization, content-type, idempotency-key');
    reply.header('access-control-max-age', PREFLIGHT_CACHE_S);
    return reply.code(204).send();
  });
}
