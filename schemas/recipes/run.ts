// Runs the recipes over an export and writes their tables and pictures into a folder, ./export-recipes by default:
//
//   npm run tap -- --to parquet --out export
//   npm run recipes -- export ["what the history is" [FOLDER]]
//
// What the history is stands beneath every picture.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { barChart, columnChart, heatMap } from './charts.ts';

type Row = Readonly<Record<string, string | number>>;

const here = import.meta.dirname;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour));

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
await connection.run(`CREATE VIEW events AS SELECT * FROM '${resolve(folder).replaceAll("'", "''")}/*.parquet'`);
await connection.run(sqlOf('said'));
await connection.run(sqlOf('replies'));

const [sums] = await rowsOf(
  connection,
  `SELECT count(*) AS messages, count(DISTINCT conversationId) AS conversations, count(DISTINCT sender) AS people,
     year(min(saidAt)) AS first, year(max(saidAt)) AS last FROM said`,
);
const source = `${history}: ${count(sums!.messages)} messages of ${count(sums!.people)} people in ${count(sums!.conversations)} conversations, ${sums!.first} to ${sums!.last}. Times as the file has them.`;

const perHour = await recipe('messages-per-hour');
const byDay = DAYS.map((_, day) =>
  HOURS.map((_, hour) => {
    const found = perHour.find((row) => row.day === day + 1 && row.hour === hour);
    return found === undefined ? null : Number(found.messages_per_hour);
  }),
);
write(
  'messages-per-hour.svg',
  heatMap(
    {
      title: 'Messages per hour, by day of the week and hour of the day',
      subtitle: 'Mean of the hours in which something was said, one conversation each',
      source,
    },
    DAYS,
    HOURS,
    byDay,
  ),
);

const busiest = await recipe('busiest-conversations');
write(
  'busiest-conversations.svg',
  barChart(
    { title: 'The busiest conversations', subtitle: 'Messages per hour in which something was said', source },
    busiest.map((row) => ({
      name: String(row.conversation),
      value: Number(row.messages_per_hour),
      label: `${count(row.messages_per_hour)} per hour, ${count(row.people)} people`,
    })),
  ),
);

const times = await recipe('reply-times');
write(
  'reply-times.svg',
  columnChart(
    {
      title: 'How long until somebody else spoke',
      subtitle: 'Share of the messages, by minutes until the next message of another person in the same conversation',
      source,
    },
    times.map((row) => ({ name: String(row.minutes), value: Number(row.percent), label: percent(row.percent) })),
    'minutes by the clock',
    ' %',
  ),
);

const byHour = await recipe('reply-times-by-hour');
write(
  'reply-times-by-hour.svg',
  columnChart(
    {
      title: 'When people wait for somebody else to speak',
      subtitle: 'Share of the messages that waited two minutes or more, by the hour in which they were said',
      source,
    },
    byHour.map((row) => ({
      name: String(row.hour),
      value: Number(row.percent_waited),
      label: `${percent(row.percent_waited)} of ${count(row.messages)}`,
    })),
    'hour of the day',
    ' %',
  ),
);

const sections = [
  section(
    'Messages per hour',
    'messages-per-hour',
    perHour.filter((row) => row.day === 1),
  ),
  section('The busiest conversations', 'busiest-conversations', busiest),
  section('How long until somebody else spoke', 'reply-times', times),
  section('When people wait', 'reply-times-by-hour', byHour),
];
write('results.md', `# What the recipes found\n\nWritten by run.ts. ${source}\n\n${sections.join('\n')}`);

function recipe(name: string): Promise<readonly Row[]> {
  return rowsOf(connection, sqlOf(name));
}

function sqlOf(name: string): string {
  return readFileSync(join(here, `${name}.sql`), 'utf8');
}

async function rowsOf(from: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  const rows = (await from.runAndReadAll(sql)).getRowObjectsJS();
  return rows.map((row) => {
    const cells = Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]);
    return Object.fromEntries(cells) as Row;
  });
}

function section(title: string, name: string, rows: readonly Row[]): string {
  const heads = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const cell = (value: string | number) =>
    typeof value !== 'number' || Number.isInteger(value) ? String(value) : value.toFixed(2);
  const note = name === 'messages-per-hour' ? ' (Mondays; the picture has the week)' : '';
  return [
    `## ${title}${note}`,
    '',
    `![${title}](${name}.svg)`,
    '',
    line(heads.map((head) => head.replaceAll('_', ' '))),
    line(heads.map(() => '---')),
    ...rows.map((row) => line(heads.map((head) => cell(row[head]!)))),
    '',
  ].join('\n');
}

function count(value: string | number | undefined): string {
  return Math.round(Number(value)).toLocaleString('en-US');
}

function percent(value: string | number | undefined): string {
  const number = Number(value);
  return `${number < 1 ? number.toFixed(2) : number.toFixed(1)} %`;
}

function write(name: string, content: string): void {
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, name), content);
}
