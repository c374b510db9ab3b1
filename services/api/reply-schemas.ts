// What is in `data` of a good reply, for the OpenAPI document. Nothing is checked against these: replies are made by our own
// code, whose types say the same (services/client/http-api.ts).
type Properties = Readonly<Record<string, object>>;

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };
const time = { type: 'integer', description: 'Milliseconds since 1970' };
const role = { enum: ['owner', 'admin', 'member'] };
const listOf = (items: object) => ({ type: 'array', items });

function allOf(properties: Properties, optional: Properties = {}) {
  return { type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } };
}

export const session = allOf({ user: text, token: text, expiresAt: time });

export const serverTime = allOf({ serverTime: time });

export const edges = allOf({ edges: listOf({ ...text, description: 'A WebSocket address' }), serverTime: time });

export const nothing = { type: 'null' };

export const conversation = allOf({
  conversationId: text,
  kind: { enum: ['direct', 'group'] },
  title: { ...text, description: 'Empty for a direct conversation' },
  seq: { ...count, description: 'The last event known' },
  ordinal: { ...count, description: 'Messages up to it' },
  time,
  role: { enum: [...role.enum, null], description: 'null for who has left' },
  joinedSeq: count,
  leftSeq: { type: ['integer', 'null'] },
});

export const conversations = allOf({ conversations: listOf(conversation), status: { enum: ['more', 'end'] } });

export const members = allOf({ members: listOf(allOf({ user: text, role, joinedSeq: count })) });

const eventCommon = {
  conversationId: text,
  seq: count,
  ordinal: count,
  sender: text,
  clientMessageId: text,
  time,
};

function event(kind: string, properties: Properties) {
  return allOf({ ...eventCommon, kind: { const: kind }, ...properties });
}

export const history = allOf({
  events: listOf({
    oneOf: [
      event('message', { contentType: text, payload: text }),
      event('created', { title: text, members: listOf(text) }),
      event('added', { members: listOf(text) }),
      event('removed', { member: text }),
      event('left', { successor: { type: ['string', 'null'] } }),
    ],
  }),
  status: { enum: ['more', 'end', 'wait'] },
});

const command = { conversationId: text, commandId: text };
const shown = { conversation: { anyOf: [conversation, { type: 'null' }] } };
const decided = { result: { const: 'sequenced' }, seq: count, time, repeat: { type: 'boolean' } };
const unchanged = allOf({ ...command, result: { const: 'unchanged' } }, shown);

/** What a command answers, by status: decided now, decided before or nothing to do, not decided yet. */
export const outcome = {
  201: allOf({ ...command, ...decided }, shown),
  200: { oneOf: [allOf({ ...command, ...decided }, shown), unchanged] },
  202: allOf({ conversationId: text, idempotencyKey: text }),
};

export const directConversation = allOf({ conversationId: text, conversation });
