// Avro's parsing canonical form: what is left of a schema when everything that does not change the bytes is taken away
// (documentation, defaults, aliases, logical types, the writing). Two schemas with one form write the same bytes; its
// SHA-256 is the fingerprint in schemas/ids.json.
import { createHash } from 'node:crypto';
import type { AvroSchema } from './avro-schema.ts';

export function canonicalForm(schema: AvroSchema): string {
  return write(schema, new Set());
}

/** In lower-case hexadecimal. */
export function fingerprintOf(schema: AvroSchema): string {
  return createHash('sha256').update(canonicalForm(schema)).digest('hex');
}

/** `defined`: names whose definition is written already; from then on the name is enough. */
function write(schema: AvroSchema, defined: Set<string>): string {
  switch (schema.kind) {
    case 'primitive':
      return JSON.stringify(schema.type);
    case 'array':
      return `{"type":"array","items":${write(schema.items, defined)}}`;
    case 'map':
      return `{"type":"map","values":${write(schema.values, defined)}}`;
    case 'union':
      return `[${schema.branches.map((branch) => write(branch, defined)).join(',')}]`;
  }
  const name = JSON.stringify(schema.name);
  if (defined.has(schema.name)) return name;
  defined.add(schema.name);
  if (schema.kind === 'enum') return `{"name":${name},"type":"enum","symbols":${JSON.stringify(schema.symbols)}}`;
  if (schema.kind === 'fixed') return `{"name":${name},"type":"fixed","size":${schema.size}}`;
  const fields = schema.fields.map(
    (field) => `{"name":${JSON.stringify(field.name)},"type":${write(field.schema, defined)}}`,
  );
  return `{"name":${name},"type":"record","fields":[${fields.join(',')}]}`;
}
