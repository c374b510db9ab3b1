// The one shape of every reply, good or bad: {status, code, message, data, requestId}.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, type ErrorCode, errorCatalogue, type Refusal } from '../kernel/errors.ts';

export interface ReplyBody {
  readonly status: number;
  /** `ok`, or the code of the catalogue. */
  readonly code: 'ok' | ErrorCode;
  readonly message: string;
  readonly data: unknown;
  readonly requestId: string;
}

/** What a client waits before it repeats a request that can succeed later. */
const RETRY_AFTER_S = 1;

export function succeed(request: FastifyRequest, reply: FastifyReply, data: unknown, status = 200): FastifyReply {
  const body: ReplyBody = { status, code: 'ok', message: '', data, requestId: request.id };
  return reply.code(status).send(body);
}

/** `data`: what helps to repeat the request, as the id of an undecided command. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  refused: Refusal,
  data: unknown = null,
): FastifyReply {
  const { code, message, retry } = describe(refused);
  const { status } = errorCatalogue[code];
  if (retry) reply.header('retry-after', RETRY_AFTER_S);
  const body: ReplyBody = { status, code, message, data, requestId: request.id };
  return reply.code(status).send(body);
}
