// What the recipes find, as files: a picture for each question, and results.md with the tables.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { barChart, columnChart, heatMap } from './charts.ts';
import { type Cell, count, percent, type Row, section } from './tables.ts';

const here = import.meta.dirname;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const HOURS = Array.from({ length: 24 }, (_, hour) => String(hour));

/** By file name. `connection` has the export as `events`; `history` says where it is from. */
export async function pagesOf(connection: DuckDBConnection, history: string): Promise<ReadonlyMap<string, string>> {
  await connection.run(sqlOf('said'));
  await connection.run(sqlOf('replies'));
  const source = await sourceOf(connection, history);
  const perHour = await rowsOf(connection, sqlOf('messages-per-hour'));
  const busiest = await rowsOf(connection, sqlOf('busiest-conversations'));
  const times = await rowsOf(connection, sqlOf('reply-times'));
  const byHour = await rowsOf(connection, sqlOf('reply-times-by-hour'));
  const mondays = perHour.filter((row) => row.day === 1);
  const sections = [
    section('Messages per hour', 'messages-per-hour', mondays, ' (Mondays; the picture has the week)'),
    section('The busiest conversations', 'busiest-conversations', busiest),
    section('How long until somebody else spoke', 'reply-times', times),
    section('When people wait', 'reply-times-by-hour', byHour),
  ];
  return new Map([
    ['messages-per-hour.svg', messagesPerHour(perHour, source)],
    ['busiest-conversations.svg', busiestConversations(busiest, source)],
    ['reply-times.svg', replyTimes(times, source)],
    ['reply-times-by-hour.svg', replyTimesByHour(byHour, source)],
    ['results.md', `# What the recipes found\n\nWritten by run.ts. ${source}\n\n${sections.join('\n')}`],
  ]);
}

function messagesPerHour(rows: readonly Row[], source: string): string {
  const byDay = DAYS.map((_, day) =>
    HOURS.map((_, hour) => {
      const found = rows.find((row) => row.day === day + 1 && row.hour === hour);
      return found === undefined ? null : Number(found.messages_per_hour);
    }),
  );
  const words = {
    title: 'Messages per hour, by day of the week and hour of the day',
    subtitle: 'Mean of the hours in which something was said, one conversation each',
    source,
  };
  return heatMap(words, DAYS, HOURS, byDay);
}

function busiestConversations(rows: readonly Row[], source: string): string {
  return barChart(
    { title: 'The busiest conversations', subtitle: 'Messages per hour in which something was said', source },
    rows.map((row) => ({
      name: String(row.conversation),
      value: Number(row.messages_per_hour),
      label: `${count(row.messages_per_hour)} per hour, ${count(row.people)} people`,
    })),
  );
}

function replyTimes(rows: readonly Row[], source: string): string {
  return columnChart(
    {
      title: 'How long until somebody else spoke',
      subtitle: 'Share of the messages, by minutes until the next message of another person in the same conversation',
      source,
    },
    rows.map((row) => ({ name: String(row.minutes), value: Number(row.percent), label: percent(row.percent) })),
    'minutes by the clock',
    ' %',
  );
}

function replyTimesByHour(rows: readonly Row[], source: string): string {
  return columnChart(
    {
      title: 'When people wait for somebody else to speak',
      subtitle: 'Share of the messages that waited two minutes or more, by the hour in which they were said',
      source,
    },
    rows.map((row) => ({
      name: String(row.hour),
      value: Number(row.percent_waited),
      label: `${percent(row.percent_waited)} of ${count(row.messages)}`,
    })),
    'hour of the day',
    ' %',
  );
}

async function sourceOf(connection: DuckDBConnection, history: string): Promise<string> {
  const [sums] = await rowsOf(
    connection,
    `SELECT count(*) AS messages, count(DISTINCT conversationId) AS conversations, count(DISTINCT sender) AS people,
       year(min(saidAt)) AS first, year(max(saidAt)) AS last FROM said`,
  );
  const { messages, people, conversations, first, last } = sums!;
  if (messages === 0) return `${history}: no messages.`;
  return `${history}: ${count(messages)} messages of ${count(people)} people in ${count(conversations)} conversations, ${first} to ${last}. Times as the file has them.`;
}

function sqlOf(name: string): string {
  return readFileSync(join(here, `${name}.sql`), 'utf8');
}

async function rowsOf(from: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  const rows = (await from.runAndReadAll(sql)).getRowObjectsJS();
  return rows.map((row) => {
    const cells = Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]);
    return Object.fromEntries(cells) as Readonly<Record<string, Cell>>;
  });
}
