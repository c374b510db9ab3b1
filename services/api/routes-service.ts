// About the service itself: where the edges are, what time it is, whether it lives and whether messages come through.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiContext } from './context.ts';
import { refuse, succeed } from './reply.ts';
import { edges, nothing, serverTime } from './reply-schemas.ts';

export function serviceRoutes(app: FastifyInstance, context: ApiContext): void {
  const { runtime } = context;

  app.get(
    '/v1/time',
    { schema: { summary: "The server's clock: make ids from it", answers: { 200: serverTime } } },
    async (request, reply) => {
      return succeed(request, reply, { serverTime: runtime.now() });
    },
  );

  app.get(
    '/v1/edges',
    { schema: { summary: 'Where to open a WebSocket', answers: { 200: edges } } },
    async (request, reply) => {
      const urls = context.edgeUrls(hostnameOf(request));
      return succeed(request, reply, { edges: urls, serverTime: runtime.now() });
    },
  );

  app.get(
    '/livez',
    { schema: { summary: 'The process answers', answers: { 200: nothing } } },
    async (request, reply) => {
      return succeed(request, reply, null);
    },
  );

  app.get(
    '/readyz',
    {
      schema: {
        summary: 'A message can be sent and is delivered',
        answers: { 200: nothing },
        refusals: ['not_ready', 'draining'],
      },
    },
    async (request, reply) => {
      const refused = context.unready();
      return refused === null ? succeed(request, reply, null) : refuse(request, reply, refused);
    },
  );
}

// The URL class takes more than this for a host (`evil"x`), and what it takes ends up in addresses that pages connect to.
const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;

/** The name under which the client reached us, as an edge address needs it (IPv6 in brackets). */
function hostnameOf(request: FastifyRequest): string {
  const { host = '' } = request.headers;
  const address = `http://${host}`;
  return HOST.test(host) && URL.canParse(address) ? new URL(address).hostname : 'localhost';
}
