// Whether every version of a record can be read by every other one: new code reads topics that are years old, and old
// consumers go on while producers are upgraded.
//
// The rules are those of Avro's schema resolution, and two of ours, where Avro reads without complaint but wrongly: a
// logical type never changes (the same bytes would be another time), and bytes are never read as text (they need not be
// UTF-8).
import {
  type AvroEnum,
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  type PrimitiveName,
  parseSchema,
} from './avro-schema.ts';
import type { SchemaFile } from './schema-files.ts';

/** One thing that keeps a reader from reading. */
export interface ResolutionProblem {
  /** `origin.node`; `[]` are the items of an array, `{}` the values of a map; empty: the schema itself. */
  readonly field: string;
  readonly reason: string;
}

export interface Incompatibility extends ResolutionProblem {
  readonly name: string;
  readonly readerVersion: number;
  readonly writerVersion: number;
}

/** Every pair of versions of one name, both ways. Empty: all is well. @throws InvalidSchemaError */
export function incompatibilities(files: readonly SchemaFile[]): readonly Incompatibility[] {
  const parsed = files.map(({ name, version, text }) => ({ name, version, schema: parseSchema(text) }));
  return parsed.flatMap((reader) =>
    parsed
      .filter((writer) => writer.name === reader.name && writer.version !== reader.version)
      .flatMap((writer) =>
        resolutionProblems(reader.schema, writer.schema).map((problem) => ({
          name: reader.name,
          readerVersion: reader.version,
          writerVersion: writer.version,
          ...problem,
        })),
      ),
  );
}

/** `MessageSent: version 2, new reader of old bytes, cannot read version 1: field keyId: is missing …` */
export function incompatibilityText(found: Incompatibility): string {
  const { name, readerVersion, writerVersion, field, reason } = found;
  const direction = readerVersion > writerVersion ? 'new reader of old bytes' : 'old reader of new bytes';
  const where = field === '' ? '' : `field ${field}: `;
  return `${name}: version ${readerVersion}, ${direction}, cannot read version ${writerVersion}: ${where}${reason}`;
}

/** What keeps `reader` from reading what `writer` wrote. */
export function resolutionProblems(reader: AvroSchema, writer: AvroSchema): readonly ResolutionProblem[] {
  return resolve(reader, writer, '', []);
}

/** What a reader of each type reads besides its own. */
const PROMOTIONS: Readonly<Partial<Record<PrimitiveName, readonly PrimitiveName[]>>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
};

type Pair = readonly [reader: AvroSchema, writer: AvroSchema];

/** `open`: pairs that are being compared; a type that holds itself meets them again. */
function resolve(reader: AvroSchema, writer: AvroSchema, field: string, open: readonly Pair[]): ResolutionProblem[] {
  if (open.some(([r, w]) => r === reader && w === writer)) return [];
  const inside: readonly Pair[] = [...open, [reader, writer]];
  if (writer.kind === 'union') return writer.branches.flatMap((branch) => resolve(reader, branch, field, inside));
  if (reader.kind === 'union') {
    const taken = reader.branches.some((branch) => resolve(branch, writer, field, inside).length === 0);
    return taken ? [] : [{ field, reason: `${textOf(writer)} fits no branch of ${textOf(reader)}` }];
  }
  if (reader.kind === 'primitive' && writer.kind === 'primitive') {
    if (reader.type !== writer.type && !PROMOTIONS[reader.type]?.includes(writer.type)) return mismatch();
    return logicalTypes(reader.logicalType, writer.logicalType);
  }
  if (reader.kind === 'array' && writer.kind === 'array') {
    return resolve(reader.items, writer.items, `${field}[]`, inside);
  }
  if (reader.kind === 'map' && writer.kind === 'map') {
    return resolve(reader.values, writer.values, `${field}{}`, inside);
  }
  if (!('name' in reader && 'name' in writer) || reader.kind !== writer.kind) return mismatch();
  if (reader.name !== writer.name && !reader.aliases.includes(writer.name)) return mismatch();
  if (reader.kind === 'fixed' && writer.kind === 'fixed') {
    if (reader.size !== writer.size) return [{ field, reason: `${writer.size} bytes are not ${reader.size}` }];
    return logicalTypes(reader.logicalType, writer.logicalType);
  }
  if (reader.kind === 'enum' && writer.kind === 'enum') return missingSymbols(reader, writer, field);
  return resolveFields(reader as AvroRecord, writer as AvroRecord, field, inside);

  function mismatch(): ResolutionProblem[] {
    return [{ field, reason: `${textOf(writer)} cannot be read as ${textOf(reader)}` }];
  }

  function logicalTypes(read: string | null, written: string | null): ResolutionProblem[] {
    return read === written ? [] : [{ field, reason: `the logical type is ${written} there and ${read} here` }];
  }
}

/** What the writer has besides is skipped; what it lacks needs a default. */
function resolveFields(reader: AvroRecord, writer: AvroRecord, path: string, open: readonly Pair[]) {
  return reader.fields.flatMap((field): ResolutionProblem[] => {
    const place = path === '' ? field.name : `${path}.${field.name}`;
    const written = writerFieldOf(field, writer);
    if (written !== undefined) return resolve(field.schema, written.schema, place, open);
    return field.hasDefault ? [] : [{ field: place, reason: 'is missing there and has no default here' }];
  });
}

function writerFieldOf(field: AvroField, writer: AvroRecord): AvroField | undefined {
  const names = [field.name, ...field.aliases];
  return writer.fields.find(({ name }) => names.includes(name));
}

function missingSymbols(reader: AvroEnum, writer: AvroEnum, field: string): ResolutionProblem[] {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  if (missing.length === 0 || reader.hasDefault) return [];
  return [{ field, reason: `the symbols ${missing.join(', ')} are unknown here, and there is no default` }];
}

function textOf(schema: AvroSchema): string {
  if (schema.kind === 'union') return `[${schema.branches.map(textOf).join(', ')}]`;
  if (schema.kind === 'primitive') return schema.type;
  return 'name' in schema ? `${schema.kind} ${schema.name}` : schema.kind;
}
