// From a command's outcome to a reply: the same rule for every route that asks for a decision.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isCommandId } from '../events/ids.ts';
import { type ErrorCode, refusal } from '../kernel/errors.ts';
import { readConversation } from '../reading/index.ts';
import type { CommandToSubmit } from './command-gateway.ts';
import { newCommandId } from './command-id.ts';
import type { ApiContext } from './context.ts';
import { refuse, succeed } from './reply.ts';

/** What any command in a conversation can meet, for the OpenAPI document. */
export const COMMAND_REFUSALS: readonly ErrorCode[] = [
  'not_a_member',
  'conversation_not_found',
  'clock',
  'too_old',
  'log_unavailable',
  'overloaded',
];

/** The caller's `Idempotency-Key` (the schema has checked it), or a new id. */
export function commandIdOf(request: FastifyRequest, { runtime }: ApiContext): string {
  const key = request.headers['idempotency-key'];
  return isCommandId(key) ? key : newCommandId(runtime);
}

/**
 * Submits and answers: 201 decided now, 200 decided before or nothing to do, 202 undecided, or the refusal. `withConversation`:
 * the reply carries the conversation as the sender sees it now, which their inbox will know a moment later.
 */
export async function answerCommand(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  command: CommandToSubmit,
  withConversation = false,
): Promise<FastifyReply> {
  const { conversationId, commandId, sender } = command;
  const outcome = await context.gateway.submit(command);
  if ('code' in outcome) {
    // A rejection is final; anything else is worth repeating under the same key.
    const data = 'result' in outcome ? null : { conversationId, idempotencyKey: commandId };
    return refuse(request, reply, refusal(outcome.code), data);
  }
  const conversation = withConversation ? await conversationOf(context, conversationId, sender) : undefined;
  const { result } = outcome;
  if (result === 'unchanged') return succeed(request, reply, { conversationId, commandId, result, conversation });
  const { seq, time, repeat } = outcome;
  const data = { conversationId, commandId, result, seq, time, repeat, conversation };
  return succeed(request, reply, data, repeat ? 200 : 201);
}

async function conversationOf({ tables }: ApiContext, conversationId: string, reader: string) {
  const conversation = await readConversation(tables.current().store, conversationId, reader);
  return 'code' in conversation ? null : conversation;
}
