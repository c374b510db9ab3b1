// Adds golden records for schema ids that have none; those that are there are never touched:
//
//   node --import tsx test/unit/events/golden/add-golden-records.ts && npm run format
//
// The code must know the new schema already: what it would lose is refused here, because it would be lost for ever.
//
// Two records an id: one with everything in it (greatest numbers, text beyond ASCII, lists of two), one with as little
// as the schema allows.
import { writeFileSync } from 'node:fs';
import avsc from 'avsc';
import { type AvroSchema, parseSchema } from '../../../../services/events/avro-schema.ts';
import { readSchemaFiles, type SchemaFile } from '../../../../services/events/schema-files.ts';
import { decodeOn, encodeOn, GOLDEN_FILE, type GoldenRecord, plain, readGolden, sha256Of } from './golden-records.ts';

type Amount = 'full' | 'sparse';

/** The kinds of inbox entries are small numbers, and no kind is above it. */
const INT = 3;
/** The greatest that avsc writes. */
const LONG = 2 ** 53 - 2;
const TIME_MS = 1_700_000_000_123;

function sampleOf(schema: AvroSchema, name: string, amount: Amount): unknown {
  const full = amount === 'full';
  switch (schema.kind) {
    case 'array':
      return full ? [0, 1].map((i) => sampleOf(schema.items, `${name} ${i}`, amount)) : [];
    case 'map':
      return full ? { key: sampleOf(schema.values, name, amount) } : {};
    case 'union':
      return full ? sampleOf(schema.branches[1]!, name, amount) : null;
    case 'record':
      return Object.fromEntries(schema.fields.map((field) => [field.name, sampleOf(field.schema, field.name, amount)]));
    case 'primitive':
      if (schema.type === 'string') return full ? `${name} “ä, 你好, 💬”` : '';
      if (schema.type === 'bytes') return full ? Buffer.from([0, 0xff, ...Buffer.from(`${name} 💬`)]) : Buffer.alloc(0);
      if (schema.type === 'int') return full ? INT : 0;
      if (schema.type === 'long') return full ? (schema.logicalType ? TIME_MS : LONG) : 0;
  }
  throw new Error(`${name}: no sample for ${JSON.stringify(schema)}: add one here`);
}

function goldenRecord({ id, topic, text }: SchemaFile, amount: Amount): GoldenRecord {
  const fields = sampleOf(parseSchema(text), '', amount) as Record<string, unknown>;
  const body = avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { wrapUnions: false }).toBuffer(fields);
  const framing = Buffer.alloc(5);
  framing.writeUInt32BE(id, 1);
  const bytes = Buffer.concat([framing, body]);
  const record = decodeOn(topic, bytes);
  if (!encodeOn(topic, record).equals(bytes))
    throw new Error(`id ${id}: services/events/codec.ts does not keep it all`);
  return {
    hex: bytes.toString('hex'),
    fields: plain(fields) as GoldenRecord['fields'],
    decoded: plain(record) as GoldenRecord['decoded'],
  };
}

const golden = readGolden();
for (const file of readSchemaFiles()) {
  if (golden[file.id] !== undefined) continue;
  const { name, version } = file;
  const records = [goldenRecord(file, 'full'), goldenRecord(file, 'sparse')];
  golden[file.id] = { name, version, sha256: sha256Of(file), records };
  console.log(`added ${file.id}: ${name}, version ${version}`);
}
writeFileSync(GOLDEN_FILE, `${JSON.stringify(golden, null, 2)}\n`);
