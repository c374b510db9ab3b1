// The recipes on exports of any size: an empty one, one of a few words, and one with what users may write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { barChart, columnChart, heatMap } from '../../../schemas/recipes/charts.ts';
import { pagesOf } from '../../../schemas/recipes/pages.ts';
import { directConversationId } from '../../../services/events/ids.ts';

const BEGIN_MS = Date.UTC(2026, 0, 5, 12);

interface Line {
  readonly conversationId: string;
  readonly title?: string;
  readonly sender?: string;
  readonly contentType?: string;
  /** Minutes after `BEGIN_MS`. */
  readonly minute?: number;
}

async function withEvents<T>(lines: readonly Line[], use: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `CREATE TABLE events(conversationId VARCHAR, seq BIGINT, kind VARCHAR, sender VARCHAR, time TIMESTAMPTZ,
         contentType VARCHAR, text VARCHAR, title VARCHAR)`,
    );
    for (const [
      i,
      { conversationId, title, sender = 'ann', contentType = 'text/plain', minute = i },
    ] of lines.entries()) {
      const kind = title === undefined ? 'MessageSent' : 'ConversationCreated';
      const values = [conversationId, i + 1, kind, sender, contentType, 'text', title ?? null];
      await connection.run(
        `INSERT INTO events SELECT $1, $2, $3, $4, to_timestamp(${(BEGIN_MS + minute * 60_000) / 1000}), $5, $6, $7`,
        values,
      );
    }
    return await use(connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const pages = (lines: readonly Line[]) => withEvents(lines, (connection) => pagesOf(connection, 'a test'));

/** No number in any file is none. */
function assertSensible(files: ReadonlyMap<string, string>): void {
  assert.equal(files.size, 5);
  for (const [name, content] of files) assert.doesNotMatch(content, /NaN|Infinity|null|undefined/, name);
}

test('an export without a message says that there is nothing to show', async () => {
  const files = await pages([]);
  assertSensible(files);
  for (const [name, content] of files) assert.match(content, /Nothing to show\./, name);
  assert.match(files.get('results.md')!, /^Written by run\.ts\. a test: no messages\.$/m);
});

test('one message, or one person who talks alone, is shown; that nobody answered, too', async () => {
  const conversationId = directConversationId('ann', 'bob');
  for (const count of [1, 5]) {
    const files = await pages(Array.from({ length: count }, () => ({ conversationId })));
    assertSensible(files);
    const [results, busiest] = [files.get('results.md')!, files.get('busiest-conversations.svg')!];
    assert.ok(results.includes(`| ${conversationId} | ${count} | ${count} | 1 |`), results);
    assert.ok(busiest.includes(conversationId));
    assert.match(files.get('reply-times.svg')!, /Nothing to show\./);
    assert.match(files.get('reply-times-by-hour.svg')!, /Nothing to show\./);
  }
});

test('direct conversations of a few words each are all shown, with the ends of long names', async () => {
  const other = 'somebody with quite a long name, number';
  const lines = Array.from({ length: 12 }, (_, i) => {
    const [a, b] = ['ann', `${other} ${i % 3}`];
    return { conversationId: directConversationId(a, b), sender: i % 2 === 0 ? a : b };
  });
  const files = await pages(lines);
  assertSensible(files);
  const shown = files.get('busiest-conversations.svg')!;
  for (const i of [0, 1, 2]) assert.match(shown, new RegExp(`>d:3:ann41:somebod…, number ${i}<`));
  assert.match(files.get('results.md')!, /\| same minute \| 0 \| 0 \|/);
});

test('conversations of the same title are two, told apart by their ids', async () => {
  const [a, b, c] = ['1', '2', '3'].map((end) => `g:${'0'.repeat(31)}${end}`) as [string, string, string];
  const made = [a, b].map((conversationId) => ({ conversationId, title: 'a | b <&>' }));
  const lines = [...made, { conversationId: c, title: 'alone' }];
  const said = [a, b, c].flatMap((conversationId) => Array.from({ length: 20 }, () => ({ conversationId, minute: 5 })));
  const files = await pages([...lines, ...said]);
  assertSensible(files);
  const results = files.get('results.md')!;
  for (const name of ['a \\| b <&> (000001)', 'a \\| b <&> (000002)', 'alone'])
    assert.ok(results.includes(`| ${name} | 20 | 20 | 1 |`), results);
  assert.ok(files.get('busiest-conversations.svg')!.includes('a | b &lt;&amp;&gt; (000001)'));
});

test('a content type of anybody’s making is a time or none, and never an error', async () => {
  const conversationId = directConversationId('ann', 'bob');
  const said = async (contentType: string) => {
    const query = async (connection: DuckDBConnection) => {
      await pagesOf(connection, 'a test');
      const rows = await connection.runAndReadAll('SELECT epoch_ms(saidAt)::DOUBLE AS at FROM said');
      return rows.getRowObjectsJS()[0]!.at;
    };
    return withEvents([{ conversationId, contentType, minute: 0 }], query);
  };
  const own = 'text/plain; charset=utf-8; fanlog-time=';
  assert.equal(await said(`${own}1103966040000`), 1103966040000);
  assert.equal(await said(`${own}1103966040000; fanlog-kind=action`), 1103966040000);
  assert.equal(await said(`${own}9999999999999`), 9999999999999);
  for (const claim of ['99999999999999', '9'.repeat(18), '9'.repeat(200), '-1', '', '12x', 'soon'])
    assert.equal(await said(own + claim), BEGIN_MS, claim);
});

test('a chart of nothing, or of zeros, has no scale and says so', () => {
  const words = { title: 'A title', subtitle: 'of what', source: 'from where' };
  const zero = { name: 'a', value: 0, label: '0' };
  for (const chart of [
    barChart(words, []),
    barChart(words, [zero]),
    columnChart(words, [], 'axis', ' %'),
    columnChart(words, [zero, { ...zero, value: Number.NaN }], 'axis', ' %'),
    heatMap(words, ['row'], ['column'], [[null]]),
    heatMap(words, [], [], []),
  ]) {
    assert.match(chart, /Nothing to show\./);
    assert.doesNotMatch(chart, /NaN|Infinity/);
  }
  const tiny = columnChart(words, [{ ...zero, value: 0.003 }], 'axis', '');
  assert.match(tiny, />0\.003</);
  assert.doesNotMatch(tiny, /NaN|Infinity|0000/);
});
