// Replies in the form of Confluent's schema registry, which its clients expect of every address below /registry: bare
// JSON when all is well, else {error_code, message}, where a code is a status or a status and two digits.
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import { InvalidSchemaError } from '../events/avro-schema.ts';
import type { Logger } from '../kernel/logger.ts';

export const REGISTRY_MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json';

export const registryErrors = {
  not_found: { status: 404, error_code: 404 },
  subject_not_found: { status: 404, error_code: 40401 },
  version_not_found: { status: 404, error_code: 40402 },
  schema_not_found: { status: 404, error_code: 40403 },
  bad_request: { status: 400, error_code: 400 },
  too_large: { status: 413, error_code: 413 },
  invalid_schema: { status: 422, error_code: 42201 },
  invalid_version: { status: 422, error_code: 42202 },
  not_permitted: { status: 422, error_code: 42205 },
  internal: { status: 500, error_code: 500 },
} as const;

type RegistryErrorName = keyof typeof registryErrors;

/** Thrown by a route, answered in the registry's form. */
export class RegistryRefusal extends Error {
  readonly error: RegistryErrorName;

  constructor(error: RegistryErrorName, message: string) {
    super(message);
    this.name = 'RegistryRefusal';
    this.error = error;
  }
}

const READ_ONLY =
  'This registry is read-only: schemas come with a release of fanlog. How to add a version: schemas/README.md.';

export function answer(reply: FastifyReply, body: unknown): FastifyReply {
  // As bytes: to text fastify would add a charset, which this media type has not.
  return reply.header('content-type', REGISTRY_MEDIA_TYPE).send(Buffer.from(JSON.stringify(body)));
}

/** For the context of the registry's routes: what it takes, and how it refuses. Call it before they are added. */
export function speakAsRegistry(app: FastifyInstance, logger: Logger): void {
  const types = [REGISTRY_MEDIA_TYPE, 'application/vnd.schemaregistry+json', 'application/octet-stream'];
  app.addContentTypeParser(types, { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refused = refusalOf(error);
    if (refused.error === 'internal') {
      const route = request.routeOptions.url ?? '';
      logger.error('a request failed', { requestId: request.id, method: request.method, route, error: error.stack });
    }
    return refuse(reply, refused);
  });
  app.setNotFoundHandler((request, reply) => {
    const isQuestion = ['GET', 'HEAD'].includes(request.method) || request.url.startsWith('/registry/compatibility/');
    if (isQuestion) return refuse(reply, new RegistryRefusal('not_found', 'This registry has no such address.'));
    return refuse(reply, new RegistryRefusal('not_permitted', READ_ONLY));
  });
}

function refuse(reply: FastifyReply, { error, message }: RegistryRefusal): FastifyReply {
  const { status, error_code } = registryErrors[error];
  return answer(reply.code(status), { error_code, message });
}

function refusalOf(error: FastifyError): RegistryRefusal {
  if (error instanceof RegistryRefusal) return error;
  if (error instanceof InvalidSchemaError) {
    return new RegistryRefusal('invalid_schema', `Invalid schema: ${error.message}`);
  }
  if (error.validation !== undefined) return new RegistryRefusal('invalid_schema', 'Invalid schema: it is missing');
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RegistryRefusal('too_large', 'The schema is too large.');
  const isTheirs = error.statusCode !== undefined && error.statusCode < 500;
  if (isTheirs) return new RegistryRefusal('bad_request', 'The request cannot be read.');
  return new RegistryRefusal('internal', 'Internal Server Error');
}
