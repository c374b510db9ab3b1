// The OpenAPI document at /v1/openapi.json, made from the schemas that check the requests: it cannot disagree with them.
import type { FastifyInstance, RouteOptions } from 'fastify';
import { errorCatalogue } from '../kernel/errors.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** One line about the route; a route without one is not in the document. */
    summary?: string;
  }
}

interface RouteSchema {
  readonly summary?: string;
  readonly body?: object;
  readonly params?: ObjectSchema;
  readonly querystring?: ObjectSchema;
  readonly headers?: ObjectSchema;
}

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

const replySchema = {
  type: 'object',
  required: ['status', 'code', 'message', 'data', 'requestId'],
  properties: {
    status: { type: 'integer', description: 'The HTTP status' },
    code: { type: 'string', enum: ['ok', ...Object.keys(errorCatalogue)] },
    message: { type: 'string', description: 'Empty when all is well; else what happened, why, and what to do' },
    data: { description: 'What was asked for; null with most errors' },
    requestId: { type: 'string', description: 'Finds the request in the log' },
  },
} as const;

/** Call it before the routes are added. */
export function openApi(app: FastifyInstance): void {
  const paths: Record<string, Record<string, object>> = {};
  app.addHook('onRoute', (route) => {
    const schema = route.schema as RouteSchema | undefined;
    if (schema?.summary === undefined) return;
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}');
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue;
      paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(schema, route) };
    }
  });
  app.get('/v1/openapi.json', async () => ({
    openapi: '3.1.0',
    info: {
      title: 'fanlog',
      version: '1',
      description: 'Accounts, conversations, history. Messages come by WebSocket.',
    },
    components: {
      schemas: { Reply: replySchema },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
    paths,
  }));
}

function operationOf(schema: RouteSchema, route: RouteOptions): object {
  const needsUser = (route.config as { needsUser?: boolean } | undefined)?.needsUser === true;
  const parameters = [
    ...parametersOf('path', schema.params),
    ...parametersOf('query', schema.querystring),
    ...parametersOf('header', schema.headers),
  ];
  const reply = {
    description: 'The uniform reply',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Reply' } } },
  };
  return {
    summary: schema.summary,
    ...(needsUser ? { security: [{ token: [] }] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(schema.body
      ? { requestBody: { required: true, content: { 'application/json': { schema: schema.body } } } }
      : {}),
    responses: { default: reply },
  };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: ObjectSchema | undefined): object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, entry]) => {
    return { name, in: place, required: place === 'path' || schema?.required?.includes(name) === true, schema: entry };
  });
}
