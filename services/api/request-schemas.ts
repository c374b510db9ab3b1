// Shapes of inputs, as JSON schemas: fastify checks them, the OpenAPI document shows them. What a pattern cannot say is a
// format, checked by the same functions as everywhere else.
import { isCommandId, isConversationId, isPlainText, isUserId } from '../events/ids.ts';
import { limits } from '../kernel/limits.ts';

export const PASSWORD_CHARACTERS_MIN = 8;
/** scrypt hashes any length at the same cost; this bounds what is normalised. */
export const PASSWORD_CHARACTERS_MAX = 256;

export const formats = {
  'fanlog-user': isUserId,
  'fanlog-conversation': isConversationId,
  'fanlog-command': isCommandId,
  'fanlog-title': (text: string) => isPlainText(text, limits.title_bytes_max),
  'fanlog-content-type': (text: string) => isPlainText(text, limits.content_type_bytes_max),
  'fanlog-payload': (text: string) => text.isWellFormed(),
} as const;
export type FormatName = keyof typeof formats;

export const user = {
  type: 'string',
  format: 'fanlog-user',
  description: '1 to 64 bytes of UTF-8 without control characters',
};
export const password = { type: 'string', minLength: PASSWORD_CHARACTERS_MIN, maxLength: PASSWORD_CHARACTERS_MAX };
export const conversationId = { type: 'string', format: 'fanlog-conversation', description: '`d:…` or `g:…`' };
export const commandId = {
  type: 'string',
  format: 'fanlog-command',
  description: 'UUIDv7 from the server time, in lower case; the same for every repeat of the request',
};
export const title = { type: 'string', format: 'fanlog-title', description: '1 to 256 bytes of UTF-8' };
export const contentType = { type: 'string', format: 'fanlog-content-type', description: 'at most 128 bytes' };
export const payload = { type: 'string', format: 'fanlog-payload', description: 'at most 16 KiB of UTF-8' };
export const members = { type: 'array', items: user, maxItems: limits.members_per_command_max };
/** A number in an address is text; the handler reads it. */
export const digits = {
  type: 'string',
  pattern: '^[0-9]{1,15}$',
  description: 'must be a whole number of at most 15 digits',
};

export function object(properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** An object whose fields follow from its `kind`. */
export function byKind(kinds: Readonly<Record<string, ReturnType<typeof object>>>) {
  const oneOf = Object.entries(kinds).map(([kind, { properties, required, ...rest }]) => {
    return { ...rest, properties: { kind: { const: kind }, ...properties }, required: ['kind', ...required] };
  });
  return { type: 'object', required: ['kind'], discriminator: { propertyName: 'kind' }, oneOf };
}

/** Fastify lower-cases header names; other headers are nobody's business here. */
export const idempotencyKey = { type: 'object', properties: { 'idempotency-key': commandId } };
