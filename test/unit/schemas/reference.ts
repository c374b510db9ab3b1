// The tables of schemas/README.md, made of what they describe: topics.json, the .avsc files, the columns of the tap, and
// the partitioner itself.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COLUMNS } from '../../../services/commands/tap/event-row.ts';
import { type AvroField, type AvroSchema, parseSchema } from '../../../services/events/avro-schema.ts';
import { murmur2, partitionOf } from '../../../services/events/partition.ts';
import { readSchemaFiles, schemasFolder } from '../../../services/events/schema-files.ts';

export interface TopicFacts {
  readonly name: string;
  readonly holds: string;
  readonly key: string;
  readonly partitions: { readonly cluster: number; readonly embedded: number };
  readonly cleanup: string;
  readonly retention_ms: number | null;
  readonly records: readonly string[];
  readonly order: string;
  readonly repeats: string;
  readonly personalData: boolean;
}

export const readmePath = join(schemasFolder(), 'README.md');

export function readTopicFacts(): Readonly<Record<string, TopicFacts>> {
  return JSON.parse(readFileSync(join(schemasFolder(), 'topics.json'), 'utf8')).topics;
}

/** By the name between `<!-- name -->` and `<!-- /name -->`. */
export function referenceTables(): Readonly<Record<string, string>> {
  return { topics: topicsTable(), vectors: vectorsTable(), fields: fieldsTables(), columns: columnsTable() };
}

/** The text with every table as it should be. */
export function withTables(text: string): string {
  let result = text;
  for (const [name, table] of Object.entries(referenceTables())) {
    const [before, rest] = cut(result, `<!-- ${name} -->\n`);
    const [, after] = cut(rest, `<!-- /${name} -->`);
    result = `${before}<!-- ${name} -->\n${table}\n<!-- /${name} -->${after}`;
  }
  return result;
}

function cut(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${readmePath} has no ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

const DAY_MS = 24 * 60 * 60 * 1000;

function topicsTable(): string {
  const topics = Object.values(readTopicFacts());
  const row = (title: string, of: (topic: TopicFacts) => string) => [title, ...topics.map(of)];
  return tableOf(
    ['', ...topics.map(({ name }) => `\`${name}\``)],
    [
      row('key', ({ key }) => key),
      row('partitions', ({ partitions }) => `${partitions.cluster} (embedded: ${partitions.embedded})`),
      row('retention', ({ retention_ms }) =>
        retention_ms === null ? 'kept' : `${retention_ms / DAY_MS} days (embedded: kept)`,
      ),
      row('order', ({ order }) => order),
      row('repeats', ({ repeats }) => repeats),
      row('personal data', ({ personalData }) => (personalData ? 'yes' : 'no')),
      row('records', ({ records }) => records.map((name) => `\`${name}\``).join(', ')),
    ],
  );
}

const VECTOR_KEYS = ['a', 'alice', 'd:5:alice3:bob', 'd:3:bob8:Zoë 🦊', 'g:0123456789abcdef0123456789abcdef'];

function vectorsTable(): string {
  const rows = VECTOR_KEYS.map((key) => {
    const bytes = new TextEncoder().encode(key);
    return [
      `\`${key}\``,
      String(bytes.length),
      String(murmur2(bytes)),
      String(partitionOf(key, 16)),
      String(partitionOf(key, 4)),
    ];
  });
  return tableOf(['key', 'bytes', 'murmur2', 'of 16', 'of 4'], rows);
}

function fieldsTables(): string {
  const newest = new Map(readSchemaFiles().map((file) => [file.name, file]));
  const tables: string[] = [];
  for (const { name, records } of Object.values(readTopicFacts())) {
    for (const record of records) {
      const schema = parseSchema(newest.get(record)!.text);
      if (schema.kind !== 'record') throw new Error(`${record} is no record`);
      const rows = schema.fields.flatMap((field) => rowsOf(field, ''));
      tables.push(
        `#### ${record}\n\n\`${name}\`. ${withoutTopic(schema.doc)}\n\n${tableOf(['field', 'type', 'meaning'], rows)}`,
      );
    }
  }
  return `\n${tables.join('\n\n')}\n`;
}

function withoutTopic(doc: string): string {
  const text = doc.replace(/^Topic \w+: /, '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function rowsOf({ name, schema, doc }: AvroField, before: string): string[][] {
  const inner = schema.kind === 'record' ? schema.fields.flatMap((field) => rowsOf(field, `${before}${name}.`)) : [];
  return [[`\`${before}${name}\``, typeName(schema), doc], ...inner];
}

function typeName(schema: AvroSchema): string {
  switch (schema.kind) {
    case 'primitive':
      return schema.logicalType ?? schema.type;
    case 'array':
      return `array of ${typeName(schema.items)}`;
    case 'union':
      return `${schema.branches.filter((b) => b.kind !== 'primitive' || b.type !== 'null').map(typeName)} or null`;
    default:
      return schema.kind;
  }
}

const PARQUET_TYPES = {
  string: 'text',
  long: '64-bit integer',
  int: '32-bit integer',
  timestamp: 'timestamp in ms, UTC',
  bytes: 'bytes',
  strings: 'list of text',
} as const;

function columnsTable(): string {
  return tableOf(
    ['column', 'type', 'meaning'],
    COLUMNS.map(({ name, type, nullable, doc }) => [
      `\`${name}\``,
      `${PARQUET_TYPES[type]}${nullable ? ', or null' : ''}`,
      doc,
    ]),
  );
}
