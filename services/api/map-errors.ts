// What fastify or our own code throws, as an entry of the catalogue. Nothing of an error but its code leaves the process.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, RefusedError, refusal } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { StoreError } from '../ports/store/state-store.ts';
import { refuse } from './reply.ts';

export function mapErrors(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refused = refusalOf(error);
    if (refused.code === 'internal' || refused.code === 'store_unavailable') {
      // The pattern, not the address: that may hold ids.
      const route = request.routeOptions.url ?? '';
      logger.error('a request failed', { requestId: request.id, method: request.method, route, error: error.stack });
    }
    return refuse(request, reply, refused);
  });
  app.setNotFoundHandler((request, reply) => refuse(request, reply, refusal('not_found')));
}

/** What is thrown before there is a route to throw it: an address that cannot be read. */
export function onFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  refuse(request, reply, refusalOf(error));
}

function refusalOf(error: FastifyError): Refusal {
  if (error instanceof RefusedError) return error.refused;
  if (error instanceof StoreError) return refusal('store_unavailable');
  if (error.validation !== undefined) return refusal('invalid_field', fieldOf(error));
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refusal('payload_too_large', 'body');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refusal('invalid_field', 'content-type must be application/json');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return refusal('invalid_field', 'body must be JSON');
    case 'FST_ERR_BAD_URL':
      return refusal('invalid_field', 'path');
    default:
      if (error.statusCode === 404) return refusal('not_found');
      if (error.statusCode !== undefined && error.statusCode < 500) return refusal('invalid_field', 'body');
      return refusal('internal');
  }
}

/** `body/title must be string`: ajv's words name the field and the rule, never the value. */
function fieldOf({ validation, validationContext }: FastifyError): string {
  const first = validation?.[0];
  if (first === undefined) return validationContext ?? 'body';
  const unknown = first.keyword === 'additionalProperties' ? ` (${String(first.params.additionalProperty)})` : '';
  return `${validationContext ?? 'body'}${first.instancePath} ${first.message ?? 'is wrong'}${unknown}`;
}
