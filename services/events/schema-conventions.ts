// What every schema of ours keeps to besides being Avro (schemas/README.md says why).
import { type AvroField, type AvroRecord, type AvroSchema, parseSchema } from './avro-schema.ts';
import type { SchemaFile } from './schema-files.ts';

export const SCHEMA_NAMESPACE = 'fanlog.v1';

/** Whoever routes or filters a record reads these and stops: those a record has come first, in this order. */
const ROUTING_FIELDS = ['sourcePartition', 'sourcePosition', 'conversationId', 'seq', 'ordinal', 'sender'];

/** Sentences about what is broken; empty: nothing. @throws InvalidSchemaError */
export function brokenConventions({ name, text }: SchemaFile): readonly string[] {
  const schema = parseSchema(text);
  if (schema.kind !== 'record') return [`${name}: must be a record`];
  const broken: string[] = [];
  const check = (holds: boolean, field: string, rule: string) => {
    if (!holds) broken.push(`${name}${field === '' ? '' : `.${field}`}: ${rule}`);
  };

  check(schema.name === `${SCHEMA_NAMESPACE}.${name}`, '', `must be called ${SCHEMA_NAMESPACE}.${name}`);
  check(schema.doc !== '', '', 'must say what it is (doc)');
  const names = schema.fields.map((field) => field.name);
  const routing = ROUTING_FIELDS.filter((field) => names.includes(field));
  check(names.slice(0, routing.length).join() === routing.join(), '', `must begin with ${routing.join(', ')}`);
  schema.fields.forEach((field, index) => {
    check(field.doc !== '', field.name, 'must say what it is (doc)');
    check(!isBytes(field.schema) || index === names.length - 1, field.name, 'bytes, the body, come last');
  });
  for (const [path, field] of fieldsOf(schema, '')) {
    checkField(field, (holds, rule) => check(holds, path, rule));
  }
  return broken;
}

function checkField({ name, schema, default: given }: AvroField, check: (holds: boolean, rule: string) => void): void {
  if (schema.kind === 'union') {
    const [first, second] = schema.branches;
    const isNull = first?.kind === 'primitive' && first.type === 'null';
    check(isNull && second !== undefined && schema.branches.length === 2, 'a union is of null and one other type');
    check(given === null, 'a union has the default null');
  }
  const type = schema.kind === 'primitive' ? schema : null;
  if (type !== null) {
    const { logicalType } = type;
    const isTime = type.type === 'long' && logicalType === 'timestamp-millis';
    check(logicalType === null || isTime, 'the only logical type is timestamp-millis, of a long');
    check(name !== 'time' || isTime, 'a time is a timestamp-millis');
    check(type.type !== 'float' && type.type !== 'double', 'there are no floating-point numbers');
  }
  check(typeof given !== 'number' || Number.isSafeInteger(given), 'numbers stay below 2^53');
}

/** Every field, of records inside too, with its path. No schema of ours holds itself. */
function fieldsOf(schema: AvroSchema, path: string): (readonly [string, AvroField])[] {
  switch (schema.kind) {
    case 'record':
      return fieldsOfRecord(schema, path);
    case 'array':
      return fieldsOf(schema.items, `${path}[]`);
    case 'map':
      return fieldsOf(schema.values, `${path}{}`);
    case 'union':
      return schema.branches.flatMap((branch) => fieldsOf(branch, path));
    default:
      return [];
  }
}

function fieldsOfRecord(record: AvroRecord, path: string): (readonly [string, AvroField])[] {
  return record.fields.flatMap((field) => {
    const place = path === '' ? field.name : `${path}.${field.name}`;
    return [[place, field] as const, ...fieldsOf(field.schema, place)];
  });
}

function isBytes(schema: AvroSchema): boolean {
  return schema.kind === 'primitive' && schema.type === 'bytes';
}
