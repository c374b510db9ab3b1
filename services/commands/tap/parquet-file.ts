// A Parquet file. Rows wait as columns until a row group is full; a row group is encoded, compressed (Snappy) and written
// at once, so memory holds one of them, and of those before only what the footer says about them.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { COLUMNS, type Column, type ColumnType, type EventRow, sizeOf } from './event-row.ts';
import type { RowFile } from './row-file.ts';

/** What readers skip or read as a whole, and what waits in memory: whichever comes first. */
const GROUP_ROWS_MAX = 50_000;
const GROUP_BYTES_MAX = 32 * 1024 * 1024;
/** Compressed, a row takes about this part of what `sizeOf` says; for deciding when a file is large enough. */
const COMPRESSED_SHARE = 0.3;

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const;

const ELEMENTS: { readonly [T in Exclude<ColumnType, 'strings'>]: Omit<SchemaElement, 'name'> } = {
  string: TEXT,
  long: { type: 'INT64' },
  int: { type: 'INT32' },
  timestamp: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  bytes: { type: 'BYTE_ARRAY' },
};

const schema: SchemaElement[] = [{ name: 'event', num_children: COLUMNS.length }, ...COLUMNS.flatMap(elementsOf)];

function elementsOf({ name, type, nullable }: Column): SchemaElement[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED';
  if (type !== 'strings') return [{ name, repetition_type, ...ELEMENTS[type] }];
  return [
    { name, repetition_type, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED', ...TEXT },
  ];
}

/** hyparquet-writer writes into memory; after each row group it lets us take the bytes out. */
class FileWriter extends ByteWriter {
  readonly #file: number;

  constructor(file: number) {
    super();
    this.#file = file;
  }

  flush(): void {
    const bytes = new Uint8Array(this.buffer, 0, this.index);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.index = 0;
  }
}

export class ParquetFile implements RowFile {
  readonly #file: number;
  readonly #writer: FileWriter;
  readonly #parquet: ParquetWriter;
  #columns = emptyColumns();
  #rows = 0;
  #waiting_bytes = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    this.#writer = new FileWriter(this.#file);
    this.#parquet = new ParquetWriter({ writer: this.#writer, schema, createdBy: 'fanlog tap' });
  }

  get bytes(): number {
    return this.#writer.offset + this.#waiting_bytes * COMPRESSED_SHARE;
  }

  add(row: EventRow): void {
    for (let i = 0; i < COLUMNS.length; i++) {
      const { name, type } = COLUMNS[i]!;
      const value = row[name];
      this.#columns[i]!.push(
        (type === 'long' || type === 'timestamp') && value !== null ? BigInt(value as number) : value,
      );
    }
    this.#rows++;
    this.#waiting_bytes += sizeOf(row);
    if (this.#rows >= GROUP_ROWS_MAX || this.#waiting_bytes >= GROUP_BYTES_MAX) this.#writeGroup();
  }

  async close(): Promise<number> {
    this.#writeGroup();
    await this.#parquet.finish();
    this.#writer.flush();
    fsyncSync(this.#file);
    closeSync(this.#file);
    return this.#writer.offset;
  }

  abandon(): void {
    closeSync(this.#file);
  }

  #writeGroup(): void {
    if (this.#rows === 0) return;
    const columnData = COLUMNS.map(({ name }, i) => ({ name, data: this.#columns[i]! }));
    this.#parquet.write({ columnData, rowGroupSize: this.#rows });
    this.#columns = emptyColumns();
    this.#rows = 0;
    this.#waiting_bytes = 0;
  }
}

function emptyColumns(): unknown[][] {
  return COLUMNS.map(() => []);
}
