// What fastify or our own code throws, as an entry of the catalogue. Nothing of an error but its code leaves the process.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Refusal, RefusedError, refusal } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { StoreError } from '../ports/store/state-store.ts';
import type { KnownRoutes } from './known-routes.ts';
import { refuse } from './reply.ts';
import { sentence, validationText } from './validation-text.ts';

export function mapErrors(app: FastifyInstance, logger: Logger, routes: KnownRoutes): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refused = refusalOf(error);
    if (refused.code === 'internal' || refused.code === 'store_unavailable') {
      // The pattern, not the address: that may hold ids.
      const route = request.routeOptions.url ?? '';
      logger.error('a request failed', { requestId: request.id, method: request.method, route, error: error.stack });
    }
    return refuse(request, reply, refused);
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = routes.methodsAt(request.url);
    if (methods.length === 0 || methods.includes(request.method)) return refuse(request, reply, refusal('not_found'));
    reply.header('allow', methods.join(', '));
    return refuse(request, reply, refusal('method_not_allowed'));
  });
}

/** What is thrown before there is a route to throw it: an address that cannot be read. */
export function onFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  refuse(request, reply, refusalOf(error));
}

function refusalOf(error: FastifyError): Refusal {
  if (error instanceof RefusedError) return error.refused;
  if (error instanceof StoreError) return refusal('store_unavailable');
  if (error.validation !== undefined) return refusal('invalid_field', mistakeOf(error));
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return refusal('payload_too_large', 'body');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return refusal('invalid_field', sentence('content-type', 'must be application/json'));
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return refusal('invalid_field', sentence('body', 'must be JSON'));
    case 'FST_ERR_BAD_URL':
      return refusal('invalid_field', sentence('path', 'is not valid percent-encoding'));
    default:
      // 403: the page's files end at their folder.
      if (error.statusCode === 404 || error.statusCode === 403) return refusal('not_found');
      if (error.statusCode !== undefined && error.statusCode < 500)
        return refusal('invalid_field', sentence('request', 'cannot be read'));
      return refusal('internal');
  }
}

function mistakeOf({ validation, validationContext }: FastifyError): string {
  const first = validation?.[0];
  const place = validationContext ?? 'body';
  return first === undefined ? sentence(place, 'is not right') : validationText(place, first);
}
