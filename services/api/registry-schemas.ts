// What the registry's routes take and answer, for the OpenAPI document.
import { REGISTRY_MEDIA_TYPE, registryErrors } from './registry-reply.ts';

const text = { type: 'string' };
const count = { type: 'integer', minimum: 1 };
const listOf = (items: object) => ({ type: 'array', items });

const registered = {
  type: 'object',
  required: ['subject', 'version', 'id', 'schema'],
  properties: {
    subject: { ...text, description: 'The full name of the record' },
    version: count,
    id: { ...count, description: 'Stands in the framing of records' },
    schema: { ...text, description: 'The Avro schema, as JSON in a string' },
  },
};

const refused = {
  type: 'object',
  required: ['error_code', 'message'],
  properties: { error_code: { type: 'integer' }, message: text },
};

function errorWith(status: number): object {
  const codes = Object.values(registryErrors).filter((error) => error.status === status);
  return {
    ...refused,
    properties: { ...refused.properties, error_code: { enum: codes.map(({ error_code }) => error_code) } },
  };
}

export const registryBodies = {
  registered,
  allRegistered: listOf(registered),
  names: listOf(text),
  numbers: listOf(count),
  schema: { type: 'object', required: ['schema'], properties: { schema: registered.properties.schema } },
  avro: { type: 'object', description: 'An Avro schema' },
  versions: listOf({
    type: 'object',
    required: ['subject', 'version'],
    properties: { subject: registered.properties.subject, version: count },
  }),
  config: {
    type: 'object',
    required: ['compatibilityLevel'],
    properties: { compatibilityLevel: { const: 'FULL_TRANSITIVE' } },
  },
  mode: { type: 'object', required: ['mode'], properties: { mode: { const: 'READONLY' } } },
  /** References and rules of other kinds of schema may stand beside it. */
  schemaToLookUp: {
    type: 'object',
    required: ['schema'],
    properties: { schema: text, schemaType: text },
  },
} as const;

const parameters: Readonly<Record<string, object>> = {
  subject: registered.properties.subject,
  version: { ...text, description: 'A number, or latest' },
  id: { ...text, description: 'The id in the framing' },
};

/** Of the route at `path`, with what it answers when all is well. */
export function registryOperation(path: string, summary: string, body: object) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const params = { type: 'object', properties: Object.fromEntries(names.map((name) => [name, parameters[name]!])) };
  const answers: Record<number, object> = { 200: body, 404: errorWith(404), 422: errorWith(422) };
  return { summary, mediaType: REGISTRY_MEDIA_TYPE, answers, ...(names.length > 0 ? { params } : {}) };
}
