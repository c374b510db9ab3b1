// An Avro schema as a tree in which every name is full and every reference leads to its definition. For questions about
// schemas (which are compatible, which are the same); records are encoded and decoded by avsc.
//
// Strangers' schemas come here too (the registry looks them up), so nothing is compiled and the depth is bounded.

/** Deepest of ours: 3. The limit is for the stack. */
const SCHEMA_DEPTH_MAX = 32;

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type PrimitiveName = (typeof PRIMITIVES)[number];

export interface AvroPrimitive {
  readonly kind: 'primitive';
  readonly type: PrimitiveName;
  readonly logicalType: string | null;
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly schema: AvroSchema;
  readonly hasDefault: boolean;
  readonly default: unknown;
  readonly doc: string;
}

interface Named {
  /** With its namespace: `fanlog.v1.MessageSent`. */
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface AvroRecord extends Named {
  readonly kind: 'record';
  readonly fields: readonly AvroField[];
  readonly doc: string;
}

export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly hasDefault: boolean;
}

export interface AvroFixed extends Named {
  readonly kind: 'fixed';
  readonly size: number;
  readonly logicalType: string | null;
}

export type AvroSchema =
  | AvroPrimitive
  | AvroRecord
  | AvroEnum
  | AvroFixed
  | { readonly kind: 'array'; readonly items: AvroSchema }
  | { readonly kind: 'map'; readonly values: AvroSchema }
  | { readonly kind: 'union'; readonly branches: readonly AvroSchema[] };

/** Text that is no Avro schema; says where and why. */
export class InvalidSchemaError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvalidSchemaError';
  }
}

type Attributes = Readonly<Record<string, unknown>>;

/** @throws InvalidSchemaError */
export function parseSchema(text: string): AvroSchema {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new InvalidSchemaError('the schema is not JSON');
  }
  return new SchemaParser().parse(json, '', 0);
}

class SchemaParser {
  readonly #named = new Map<string, AvroSchema>();

  parse(json: unknown, namespace: string, depth: number): AvroSchema {
    if (depth > SCHEMA_DEPTH_MAX) throw new InvalidSchemaError(`nested deeper than ${SCHEMA_DEPTH_MAX} levels`);
    if (typeof json === 'string') return primitiveOf(json, null) ?? this.#reference(json, namespace);
    if (Array.isArray(json)) {
      return { kind: 'union', branches: json.map((branch) => this.parse(branch, namespace, depth + 1)) };
    }
    if (typeof json !== 'object' || json === null) throw new InvalidSchemaError(`${JSON.stringify(json)} is no schema`);
    return this.#complex(json as Attributes, namespace, depth);
  }

  #complex(json: Attributes, namespace: string, depth: number): AvroSchema {
    const { type } = json;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      case 'enum':
        return this.#define({
          ...nameOf(json, namespace),
          kind: 'enum',
          symbols: stringsOf(json, 'symbols'),
          hasDefault: 'default' in json,
        });
      case 'fixed':
        if (!Number.isSafeInteger(json.size)) throw new InvalidSchemaError('size: must be a whole number');
        return this.#define({
          ...nameOf(json, namespace),
          kind: 'fixed',
          size: json.size as number,
          logicalType: logicalTypeOf(json),
        });
      case 'array':
        return { kind: 'array', items: this.parse(json.items, namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.parse(json.values, namespace, depth + 1) };
      default:
        if (typeof type === 'string') {
          return primitiveOf(type, logicalTypeOf(json)) ?? this.#reference(type, namespace);
        }
        return this.parse(type, namespace, depth + 1); // {"type": {"type": …}}
    }
  }

  // Known by its name before its fields are read: they may hold it again.
  #record(json: Attributes, namespace: string, depth: number): AvroRecord {
    const { name, aliases } = nameOf(json, namespace);
    const fields: AvroField[] = [];
    const record = this.#define({ kind: 'record', name, aliases, fields, doc: textOf(json, 'doc') });
    if (!Array.isArray(json.fields)) throw new InvalidSchemaError(`${name}: fields are missing`);
    for (const field of json.fields as Attributes[]) {
      if (typeof field?.name !== 'string') throw new InvalidSchemaError(`${name}: a field has no name`);
      fields.push({
        name: field.name,
        aliases: stringsOf(field, 'aliases', []),
        schema: this.parse(field.type, namespaceOf(name), depth + 1),
        hasDefault: 'default' in field,
        default: field.default,
        doc: textOf(field, 'doc'),
      });
    }
    return record;
  }

  #define<T extends AvroSchema & Named>(schema: T): T {
    if (this.#named.has(schema.name)) throw new InvalidSchemaError(`${schema.name} is defined twice`);
    this.#named.set(schema.name, schema);
    return schema;
  }

  #reference(name: string, namespace: string): AvroSchema {
    const found = this.#named.get(fullName(name, namespace)) ?? this.#named.get(name);
    if (found === undefined) throw new InvalidSchemaError(`${name} is not defined`);
    return found;
  }
}

function primitiveOf(type: string, logicalType: string | null): AvroPrimitive | null {
  const known = PRIMITIVES.find((name) => name === type);
  return known === undefined ? null : { kind: 'primitive', type: known, logicalType };
}

function nameOf(json: Attributes, inherited: string): Named {
  const { name } = json;
  if (typeof name !== 'string' || name === '') throw new InvalidSchemaError(`a ${json.type} has no name`);
  const full = fullName(name, typeof json.namespace === 'string' ? json.namespace : inherited);
  const aliases = stringsOf(json, 'aliases', []).map((alias) => fullName(alias, namespaceOf(full)));
  return { name: full, aliases };
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

function logicalTypeOf(json: Attributes): string | null {
  return typeof json.logicalType === 'string' ? json.logicalType : null;
}

function textOf(json: Attributes, key: string): string {
  return typeof json[key] === 'string' ? json[key] : '';
}

function stringsOf(json: Attributes, key: string, otherwise?: readonly string[]): readonly string[] {
  const found = json[key] ?? otherwise;
  if (!Array.isArray(found) || found.some((item) => typeof item !== 'string')) {
    throw new InvalidSchemaError(`${key}: must be a list of strings`);
  }
  return found as readonly string[];
}
