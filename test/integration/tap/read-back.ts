// Exported files, read by programs that we did not write: Parquet by DuckDB, Avro by fastavro.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { runPython } from '../../python/run-python.ts';
import { pythonWith } from '../../python/virtual-environment.ts';
import type { PlainRow } from './expected-rows.ts';

const PYTHON_MS_MAX = 120_000;
const READER = join(import.meta.dirname, 'read-avro.py');

/** The names of the files of an export, in order. */
export function exportedFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('events-'))
    .sort();
}

/** In DuckDB, in memory, after `before`. 64-bit numbers come as JavaScript's own. */
export async function query(sql: string, before: readonly string[] = []): Promise<PlainRow[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const statement of before) await connection.run(statement);
    const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
    return rows.map((row) => {
      const values = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'bigint' ? Number(value) : value,
      ]);
      return Object.fromEntries(values);
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** One of schemas/recipes over an export, or `sql` over their views. */
export function queryRecipe(folder: string, sql: string): Promise<PlainRow[]> {
  const views = [`CREATE VIEW events AS SELECT * FROM ${parquetOf(folder)}`, recipe('said'), recipe('replies')];
  return query(sql.includes(' ') ? sql : recipe(sql), views);
}

function recipe(name: string): string {
  return readFileSync(join(import.meta.dirname, '../../../schemas/recipes', `${name}.sql`), 'utf8');
}

/** What stands behind FROM for all Parquet files of an export. */
export function parquetOf(folder: string): string {
  return `'${join(folder, 'events-*.parquet')}'`;
}

/** By partition and offset. Texts come as bytes: DuckDB's client for Node takes a byte order mark away. */
export async function readParquet(folder: string): Promise<PlainRow[]> {
  const rows = await query(
    `SELECT * REPLACE (epoch_ms(time) AS time, lower(hex(payload)) AS payload, hex(encode(text)) AS text)
     FROM ${parquetOf(folder)} ORDER BY logPartition, logOffset`,
  );
  return rows.map((row) => ({
    ...row,
    text: row.text === null ? null : Buffer.from(row.text as string, 'hex').toString(),
  }));
}

/** By partition and offset. */
export async function readAvro(folder: string): Promise<PlainRow[]> {
  const python = await pythonWith(join(import.meta.dirname, 'requirements.txt'));
  const files = exportedFiles(folder).map((name) => join(folder, name));
  const lines = (await runPython(python, [READER, ...files], PYTHON_MS_MAX)).split('\n').slice(0, -1);
  const rows = lines.map((line) => JSON.parse(line) as { logPartition: number; logOffset: number });
  return rows.sort((a, b) => a.logPartition - b.logPartition || a.logOffset - b.logOffset);
}
