// Conversations: make one, list mine, look at one, read its history, send into it.
import type { FastifyInstance } from 'fastify';
import { decodeTimelineEvent } from '../events/codec.ts';
import { directConversationId, utf8Length } from '../events/ids.ts';
import { refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { eventBodyOf } from '../protocol/event-body.ts';
import { CONTENT_TYPE_DEFAULT } from '../protocol/frames.ts';
import { CONVERSATIONS_PAGE_MAX, readConversation, readConversations, readHistory } from '../reading/index.ts';
import { answerCommand, COMMAND_REFUSALS, commandIdOf } from './answer-command.ts';
import { authenticated } from './authenticate.ts';
import type { ApiContext } from './context.ts';
import { groupIdOf } from './group-id.ts';
import { refuse, succeed } from './reply.ts';
import {
  conversation as conversationReply,
  conversations,
  directConversation,
  history as historyReply,
  outcome,
} from './reply-schemas.ts';
import {
  byKind,
  contentType,
  conversationId,
  digits,
  idempotencyKey,
  members,
  object,
  payload,
  title,
  user,
} from './request-schemas.ts';
import { sentence } from './validation-text.ts';

const READ_REFUSALS = ['not_a_member', 'conversation_not_found', 'store_unavailable'] as const;
const encoder = new TextEncoder();
const params = object({ id: conversationId }, ['id']);

type NewConversation = { kind: 'group'; title: string; members?: string[] } | { kind: 'direct'; user: string };

export function conversationRoutes(app: FastifyInstance, context: ApiContext): void {
  const { tables } = context;
  const signedIn = authenticated(context);

  const newConversation = byKind({
    group: object({ title, members }, ['title']),
    direct: object({ user }, ['user']),
  });
  app.post<{ Body: NewConversation }>(
    '/v1/conversations',
    {
      ...signedIn,
      schema: {
        summary: 'Make a group (title, members), or compute the id of a direct conversation (user)',
        headers: idempotencyKey,
        body: newConversation,
        answers: { ...outcome, 200: { oneOf: [outcome[200], directConversation] } },
        refusals: ['conversation_full', 'clock', 'too_old', 'log_unavailable', 'overloaded'],
      },
    },
    async (request, reply) => {
      const { user: creator, body } = request;
      if (body.kind === 'direct') {
        const id = directConversationId(creator, body.user);
        return succeed(request, reply, {
          conversationId: id,
          conversation: await readConversation(tables.current().store, id, creator),
        });
      }
      const commandId = commandIdOf(request, context);
      const command = {
        type: 'CreateConversation',
        conversationId: groupIdOf(creator, commandId),
        sender: creator,
        commandId,
        title: body.title,
        memberLimit: limits.group_members_max,
        members: [...new Set(body.members)].filter((member) => member !== creator),
      } as const;
      return answerCommand(context, request, reply, command, true);
    },
  );

  const page = object({ after: conversationId, limit: digits });
  app.get<{ Querystring: { after?: string; limit?: string } }>(
    '/v1/conversations',
    {
      ...signedIn,
      schema: {
        summary: 'My conversations, by id',
        querystring: page,
        answers: { 200: conversations },
        refusals: ['store_unavailable'],
      },
    },
    async (request, reply) => {
      const { after, limit = CONVERSATIONS_PAGE_MAX } = request.query;
      return succeed(
        request,
        reply,
        await readConversations(tables.current().store, request.user, after, Number(limit)),
      );
    },
  );

  app.get<{ Params: { id: string } }>(
    '/v1/conversations/:id',
    {
      ...signedIn,
      schema: {
        summary: 'One of my conversations',
        params,
        answers: { 200: conversationReply },
        refusals: [...READ_REFUSALS],
      },
    },
    async (request, reply) => {
      const conversation = await readConversation(tables.current().store, request.params.id, request.user);
      if ('code' in conversation) return refuse(request, reply, conversation);
      return succeed(request, reply, conversation);
    },
  );

  app.get<{ Params: { id: string }; Querystring: { before?: string; after?: string; limit?: string } }>(
    '/v1/conversations/:id/events',
    {
      ...signedIn,
      schema: {
        summary: 'History: the newest below `before`, descending; or the oldest above `after`, ascending',
        params,
        querystring: object({ before: digits, after: digits, limit: digits }),
        answers: { 200: historyReply },
        refusals: [...READ_REFUSALS],
      },
    },
    async (request, reply) => {
      const { before, after, limit = limits.page_entries_max } = request.query;
      if (before !== undefined && after !== undefined) {
        return refuse(
          request,
          reply,
          refusal('invalid_field', sentence('query', 'must not hold both before and after')),
        );
      }
      const range = { before: numberOf(before), after: numberOf(after), limit: Number(limit) };
      const history = await readHistory(tables.current().store, request.params.id, request.user, range);
      if ('code' in history) return refuse(request, reply, history);
      const events = history.events.map((event) => eventBodyOf(decodeTimelineEvent(event)));
      return succeed(request, reply, { events, status: history.status });
    },
  );

  app.post<{ Params: { id: string }; Body: { payload: string; contentType?: string } }>(
    '/v1/conversations/:id/messages',
    {
      ...signedIn,
      schema: {
        summary: 'Send a message',
        params,
        headers: idempotencyKey,
        body: object({ payload, contentType }, ['payload']),
        answers: outcome,
        refusals: [...COMMAND_REFUSALS, 'payload_too_large'],
      },
    },
    async (request, reply) => {
      const { payload: text, contentType: type = CONTENT_TYPE_DEFAULT } = request.body;
      if (utf8Length(text) > limits.payload_bytes_max) return refuse(request, reply, refusal('payload_too_large'));
      const command = {
        type: 'SendMessage',
        conversationId: request.params.id,
        sender: request.user,
        commandId: commandIdOf(request, context),
        contentType: type,
        keyId: null,
        payload: encoder.encode(text),
      } as const;
      return answerCommand(context, request, reply, command);
    },
  );
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
