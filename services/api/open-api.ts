// The OpenAPI document at /v1/openapi.json, made from the schemas that check the requests: it cannot disagree with them.
import type { FastifyInstance, RouteOptions } from 'fastify';
import { type ErrorCode, errorCatalogue } from '../kernel/errors.ts';

declare module 'fastify' {
  interface FastifySchema {
    /** One line about the route; a route without one is not in the document. */
    summary?: string;
    /** `data` of a good reply, by status. Not `response`: fastify would write replies by it. */
    answers?: Readonly<Record<number, object>>;
    /** Codes to expect besides those that follow from the rest. */
    refusals?: readonly ErrorCode[];
    /** Of bodies in another form than the uniform reply; `answers` are whole bodies then, refusals among them. */
    mediaType?: string;
  }
}

interface RouteSchema {
  readonly summary?: string;
  readonly answers?: Readonly<Record<number, object>>;
  readonly refusals?: readonly ErrorCode[];
  readonly mediaType?: string;
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
  return {
    summary: schema.summary,
    ...(needsUser ? { security: [{ token: [] }] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(schema.body
      ? {
          requestBody: {
            required: true,
            content: { [schema.mediaType ?? 'application/json']: { schema: schema.body } },
          },
        }
      : {}),
    responses: schema.mediaType === undefined ? responsesOf(schema, needsUser) : bodiesOf(schema, schema.mediaType),
  };
}

/** The good replies with their data, then the refusals by status; `default`: whatever else the catalogue has. */
function responsesOf({ answers = {}, refusals = [], ...input }: RouteSchema, needsUser: boolean): object {
  const responses: Record<string, object> = { default: replyWith('Any other refusal', {}) };
  const takesInput = Boolean(input.body ?? input.params ?? input.querystring ?? input.headers);
  const codes = new Set<ErrorCode>([
    ...(takesInput ? (['invalid_field'] as const) : []),
    ...(needsUser ? (['unauthenticated', 'token_expired'] as const) : []),
    ...refusals,
  ]);
  for (const status of new Set([...codes].map((code) => errorCatalogue[code].status))) {
    const those = [...codes].filter((code) => errorCatalogue[code].status === status);
    responses[status] = replyWith(those.join(', '), { code: { enum: those } });
  }
  for (const [status, data] of Object.entries(answers)) {
    const code = Number(status) === errorCatalogue.undecided.status ? 'undecided' : 'ok';
    responses[status] = replyWith(code, { code: { const: code }, data });
  }
  return responses;
}

function bodiesOf({ answers = {} }: RouteSchema, mediaType: string): object {
  const bodies = Object.entries(answers).map(([status, schema]) => {
    return [status, { description: Number(status) < 400 ? 'ok' : 'refused', content: { [mediaType]: { schema } } }];
  });
  return Object.fromEntries(bodies);
}

function replyWith(description: string, properties: Readonly<Record<string, object>>): object {
  const reply = { $ref: '#/components/schemas/Reply' };
  const schema = Object.keys(properties).length === 0 ? reply : { allOf: [reply, { properties }] };
  return { description, content: { 'application/json': { schema } } };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: ObjectSchema | undefined): object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, entry]) => {
    return { name, in: place, required: place === 'path' || schema?.required?.includes(name) === true, schema: entry };
  });
}
