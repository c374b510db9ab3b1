// About the service itself: where the edges are, what time it is, whether it lives and whether messages come through.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiContext } from './context.ts';
import { refuse, succeed } from './reply.ts';

export function serviceRoutes(app: FastifyInstance, context: ApiContext): void {
  const { runtime } = context;

  app.get('/v1/time', { schema: { summary: "The server's clock: make ids from it" } }, async (request, reply) => {
    return succeed(request, reply, { serverTime: runtime.now() });
  });

  app.get('/v1/edges', { schema: { summary: 'Where to open a WebSocket' } }, async (request, reply) => {
    const edges = context.edgeUrls(hostnameOf(request));
    return succeed(request, reply, { edges, serverTime: runtime.now() });
  });

  app.get('/livez', { schema: { summary: 'The process answers' } }, async (request, reply) => {
    return succeed(request, reply, null);
  });

  app.get('/readyz', { schema: { summary: 'A message can be sent and is delivered' } }, async (request, reply) => {
    const refused = context.unready();
    return refused === null ? succeed(request, reply, null) : refuse(request, reply, refused);
  });
}

/** The name under which the client reached us, as an edge address needs it (IPv6 in brackets). */
function hostnameOf(request: FastifyRequest): string {
  const address = `http://${request.headers.host ?? 'localhost'}`;
  return URL.canParse(address) ? new URL(address).hostname : 'localhost';
}
