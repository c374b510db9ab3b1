// Runs the recipes over an export and writes their tables and pictures into a folder, ./export-recipes by default:
//
//   npm run tap -- --to parquet --out export
//   npm run recipes -- export ["what the history is" [FOLDER]]
//
// What the history is stands beneath every picture.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { pagesOf } from './pages.ts';

const [folder, history = 'an export of fanlog', into = 'export-recipes'] = process.argv.slice(2);
const files =
  folder !== undefined && existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.parquet')) : [];
if (folder === undefined || files.length === 0) {
  process.stderr.write(
    'Name a folder with Parquet files: npm run tap -- --to parquet --out export; npm run recipes -- export\n',
  );
  process.exit(2);
}

const connection = await (await DuckDBInstance.create(':memory:')).connect();
const paths = `${resolve(folder).replaceAll("'", "''")}/*.parquet`;
// By name: files of before an upgrade may lack the newest columns.
await connection.run(`CREATE VIEW events AS SELECT * FROM read_parquet('${paths}', union_by_name = true)`);
mkdirSync(into, { recursive: true });
for (const [name, content] of await pagesOf(connection, history)) writeFileSync(join(into, name), content);
