// Who is in a group: list, add, remove, leave.
import type { FastifyInstance } from 'fastify';
import { readMembers } from '../reading/index.ts';
import { answerCommand, COMMAND_REFUSALS, commandIdOf } from './answer-command.ts';
import { authenticated } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import { refuse, succeed } from './reply.ts';
import { members as membersReply, outcome } from './reply-schemas.ts';
import { conversationId, idempotencyKey, members, object, user } from './request-schemas.ts';

const params = object({ id: conversationId }, ['id']);

export function memberRoutes(app: FastifyInstance, context: ApiContext): void {
  const signedIn = authenticated(context);
  const headers = idempotencyKey;

  app.get<{ Params: { id: string } }>(
    '/v1/conversations/:id/members',
    {
      ...signedIn,
      schema: {
        summary: 'Present members, for a present member',
        params,
        answers: { 200: membersReply },
        refusals: ['not_a_member', 'conversation_not_found', 'store_unavailable'],
      },
    },
    async (request, reply) => {
      const found = await readMembers(context.tables.current().store, request.params.id, request.user);
      if ('code' in found) return refuse(request, reply, found);
      return succeed(request, reply, found);
    },
  );

  const someone = object({ members: { ...members, minItems: 1 } }, ['members']);
  app.post<{ Params: { id: string }; Body: { members: string[] } }>(
    '/v1/conversations/:id/members',
    {
      ...signedIn,
      schema: {
        summary: 'Add members',
        params,
        headers,
        body: someone,
        answers: outcome,
        refusals: [...COMMAND_REFUSALS, 'not_allowed', 'conversation_full', 'wrong_kind'],
      },
    },
    async (request, reply) => {
      const command = { type: 'AddMembers', members: [...new Set(request.body.members)] } as const;
      return answerCommand(context, request, reply, { ...command, ...common(request) }, true);
    },
  );

  app.delete<{ Params: { id: string; user: string } }>(
    '/v1/conversations/:id/members/:user',
    {
      ...signedIn,
      schema: {
        summary: 'Remove a member',
        params: object({ id: conversationId, user }, ['id', 'user']),
        headers,
        answers: outcome,
        refusals: [...COMMAND_REFUSALS, 'not_allowed', 'wrong_kind'],
      },
    },
    async (request, reply) => {
      const command = { type: 'RemoveMember', member: request.params.user } as const;
      return answerCommand(context, request, reply, { ...command, ...common(request) });
    },
  );

  app.post<{ Params: { id: string } }>(
    '/v1/conversations/:id/leave',
    {
      ...signedIn,
      schema: {
        summary: 'Leave',
        params,
        headers,
        answers: outcome,
        refusals: [...COMMAND_REFUSALS, 'wrong_kind'],
      },
    },
    async (request, reply) => {
      return answerCommand(context, request, reply, { type: 'LeaveConversation', ...common(request) });
    },
  );

  function common(request: Parameters<typeof commandIdOf>[0] & { params: { id: string } }) {
    return {
      conversationId: request.params.id,
      sender: request.user,
      commandId: commandIdOf(request, context),
    };
  }
}
