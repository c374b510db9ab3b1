// The tap as its user runs it: whatever happens to it, the files hold each event of the log once.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createNodeClient, dataOf, HttpApi, systemRuntime } from '../../services/client/node.ts';
import { startInFolder } from './start-in-folder.ts';
import { type PlainRow, readTimeline } from './tap/expected-rows.ts';
import { appendEvents, EventMaker, withLog } from './tap/generated-log.ts';
import { exportedFiles, parquetOf, query, queryRecipe, readAvro, readParquet } from './tap/read-back.ts';
import { run, start } from './tap/run-command.ts';

const room = join(import.meta.dirname, '../../bench/data/ubuntu-irc-one-room.jsonl.gz');
const folder = mkdtempSync(join(tmpdir(), 'fanlog-tap-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const logOf = (data: string) => withLog(data, (log) => readTimeline(log));

async function tap(data: string, ...args: string[]) {
  const result = await run('tap', args, { FANLOG_DATA: data });
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

/** When the messages of the room were said, by the file. */
function messageTimes(): number[] {
  const lines = gunzipSync(readFileSync(room)).toString().trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { ts: number; kind: string });
  return events.filter(({ kind }) => kind === 'message' || kind === 'action').map(({ ts }) => ts);
}

async function untilExists(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('npm run tap', () => {
  test('real history, with a stretch of it twice on the topic, is in both formats what the log and the file say', async () => {
    const data = join(folder, 'room');
    const imported = await run('import', [room, '--json'], { FANLOG_DATA: data, FANLOG_DEMO: 'off' });
    assert.equal(imported.code, 0, imported.stderr);
    // As a fanout leaves it that was killed between an append and its checkpoint, and starts again.
    await withLog(data, async (log) => {
      for (let partition = 0; partition < log.layout.partitions.timeline; partition++) {
        const end = await log.endOffset('timeline', partition);
        for (let next = Math.max(0, end - 100); next < end; ) {
          const records = await log.readFrom('timeline', partition, next, 100);
          await log.append('timeline', [{ partition, records: records.slice(0, end - next) }]);
          next += records.length;
        }
      }
    });
    const expected = await logOf(data);
    assert.equal(expected.repeats, 100);

    const [parquet, avro] = [join(folder, 'room-parquet'), join(folder, 'room-avro')];
    const said = await tap(data, '--to', 'parquet', '--out', parquet);
    assert.match(said, /^events +1,217\nconversations +1 .*\nrepeats +100 .*\nfiles +1 /m);
    await tap(data, '--to', 'avro', '--out', avro);
    assert.deepEqual(await readParquet(parquet), expected.rows);
    assert.deepEqual(await readAvro(avro), expected.rows);

    const dense = `SELECT count(*)::INT AS events, min(seq) AS first, max(seq) AS last, count(DISTINCT seq)::INT AS numbers,
      count(text)::INT AS messages FROM ${parquetOf(parquet)} GROUP BY conversationId`;
    assert.deepEqual(await query(dense), [{ events: 1217, first: 1, last: 1217, numbers: 1217, messages: 1158 }]);
    const types = await query(
      `SELECT DISTINCT typeof(time) AS time, typeof(joined) AS joined FROM ${parquetOf(parquet)}`,
    );
    assert.deepEqual(types, [{ time: 'TIMESTAMP WITH TIME ZONE', joined: 'VARCHAR[]' }]);

    // The recipes: by the times of the file, over every message of it.
    const range = 'SELECT epoch_ms(min(saidAt)) AS first, epoch_ms(max(saidAt)) AS last FROM said';
    const times = messageTimes();
    assert.deepEqual(await queryRecipe(parquet, range), [{ first: Math.min(...times), last: Math.max(...times) }]);
    const sum = (rows: readonly PlainRow[], column: string) => rows.reduce((all, row) => all + Number(row[column]), 0);
    assert.equal(sum(await queryRecipe(parquet, 'messages-per-hour'), 'messages'), 1158);
    const [busiest] = await queryRecipe(parquet, 'busiest-conversations');
    assert.deepEqual([busiest!.messages, busiest!.people], [1158, 92]);
    const replies = await queryRecipe(parquet, 'reply-times');
    assert.equal(Math.round(sum(replies, 'percent')), 100);
    assert.equal(sum(await queryRecipe(parquet, 'reply-times-by-hour'), 'messages'), sum(replies, 'messages'));
  });

  test('killed with -9 again and again, it ends with every event once', {
    skip: process.platform === 'win32',
  }, async () => {
    const data = join(folder, 'killed');
    const repeats = await withLog(data, (log) => appendEvents(log, new EventMaker(50), 30_000));
    const expected = await logOf(data);
    assert.deepEqual([expected.rows.length, expected.repeats], [30_000, repeats]);
    for (const [format, read] of [
      ['parquet', readParquet],
      ['avro', readAvro],
    ] as const) {
      const out = join(folder, `killed-${format}`);
      const args = ['--to', format, '--out', out, '--roll-mib', '1'];
      for (const number of ['000001', '000002']) {
        // It follows, so that it does not end by itself, however late the kill is.
        const { child, finished } = start('tap', [...args, '--follow'], { FANLOG_DATA: data });
        await Promise.race([untilExists(join(out, `events-${number}.${format}`)), finished]);
        child.kill('SIGKILL');
        assert.equal((await finished).signal, 'SIGKILL');
      }
      await tap(data, ...args);
      assert.deepEqual(await read(out), expected.rows);
      assert.equal(JSON.parse(readFileSync(join(out, '.tap/state.json'), 'utf8')).totals.repeats, repeats);
      // Once more: nothing new, so nothing is written.
      const files = exportedFiles(out);
      assert.match(await tap(data, ...args), /^events +0$/m);
      assert.deepEqual(exportedFiles(out), files);
    }
  });

  test('--follow writes what is decided while a server runs on the data, and Ctrl-C ends it in good order', async () => {
    const { server, folder: own, remove } = await startInFolder({ FANLOG_DEMO: 'off' });
    const out = join(own, 'out');
    try {
      const api = new HttpApi({ baseUrl: server.apiUrl, runtime: systemRuntime });
      const { token } = dataOf(await api.register('alice', 'password of alice'));
      const client = createNodeClient({
        edges: dataOf(await api.edges()).edges,
        token: async () => token,
        device: 'test',
      });
      await client.start();
      const say = async (text: string) => {
        assert.equal((await client.send(api.directId('alice', 'bob'), text).done).result, 'sequenced');
      };
      await say('before');
      const args = ['--to', 'parquet', '--out', out, '--follow', '--roll-seconds', '1'];
      const { child, finished } = start('tap', args, { FANLOG_DATA: join(own, 'data') });
      await untilExists(join(out, 'events-000001.parquet'));
      await say('while it follows');
      await untilExists(join(out, 'events-000002.parquet'));
      child.kill('SIGINT');
      const { code, stdout, stderr } = await finished;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^events +2$/m);
      await say('while nobody followed');
      await tap(join(own, 'data'), '--to', 'parquet', '--out', out);
      const texts = await query(`SELECT text FROM ${parquetOf(out)} ORDER BY seq`);
      assert.deepEqual(
        texts.map(({ text }) => text),
        ['before', 'while it follows', 'while nobody followed'],
      );
      client.close();
    } finally {
      await remove();
    }
  });

  test('what it cannot begin with is one line and exit code 2, and nothing is written', async () => {
    const data = join(folder, 'small');
    await withLog(data, (log) => appendEvents(log, new EventMaker(4), 600));
    const [used, strange] = [join(folder, 'used'), join(folder, 'strange')];
    await tap(data, '--to', 'parquet', '--out', used);
    mkdirSync(strange);
    writeFileSync(join(strange, 'notes.txt'), '');
    const other = join(folder, 'other');
    await withLog(other, (log) => appendEvents(log, new EventMaker(5), 600));
    const out = ['--out', join(folder, 'never')];
    const cases: [readonly string[], string, RegExp][] = [
      [['--to', 'csv', ...out], data, /--to csv: there are parquet and avro/],
      [['--to', 'avro', '--format', 'x', ...out], data, /Unknown option '--format'/],
      [['--to', 'avro', ...out], join(folder, 'nowhere'), /nowhere is no data folder of fanlog/],
      [
        ['--to', 'avro', '--from', '0:99999', ...out],
        data,
        /partition 0 of timeline\.g1 holds offsets 0 to \d+, no 99999/,
      ],
      [['--to', 'avro', '--profile', 'cluster', ...out], data, /FANLOG_KAFKA is not set/],
      [['--to', 'parquet', '--out', strange], data, /holds other files \(notes\.txt\)/],
      [['--to', 'avro', '--out', used], data, /was begun with --to parquet/],
      [['--to', 'parquet', '--out', used, '--from', '2026-01-01'], data, /was begun with --from earliest/],
      [['--to', 'parquet', '--out', used], other, /was begun from another log/],
    ];
    for (const [args, from, pattern] of cases) {
      const { code, stdout, stderr } = await run('tap', args, { FANLOG_DATA: from });
      assert.deepEqual([code, stdout], [2, ''], stderr);
      const last = stderr.trimEnd().split('\n').at(-1)!;
      assert.match(last, pattern);
      assert.match(last, /^fanlog tap: /);
    }
    assert.ok(!existsSync(out[1]!));
  });

  test('a log that was trimmed above the place where the export stopped is told, not skipped over', async () => {
    const data = join(folder, 'trimmed');
    const maker = new EventMaker(4);
    const out = join(folder, 'trimmed-out');
    await withLog(data, (log) => appendEvents(log, maker, 600));
    await tap(data, '--to', 'parquet', '--out', out);
    await withLog(data, async (log) => {
      await appendEvents(log, maker, 1_200);
      for (let partition = 0; partition < log.layout.partitions.timeline; partition++) {
        await log.trim('timeline', partition, await log.endOffset('timeline', partition));
      }
    });
    const { code, stderr } = await run('tap', ['--to', 'parquet', '--out', out], { FANLOG_DATA: data });
    assert.equal(code, 2);
    assert.match(stderr, /of timeline\.g1 was trimmed: it begins at \d+, and \d+ is the next one to export/);
  });

  test('a record that cannot be decoded ends it with exit code 1; what stands before it and beside it is in the files', async () => {
    const [data, twin] = [join(folder, 'damaged'), join(folder, 'twin')];
    const record = { key: 'whatever', value: Buffer.of(0, 0, 0, 0xff, 0xff, 1) };
    let damaged = 0;
    for (const into of [data, twin]) {
      const maker = new EventMaker(8);
      await withLog(into, async (log) => {
        await appendEvents(log, maker, 1_000);
        damaged = await log.endOffset('timeline', 1);
        if (into === data) await log.append('timeline', [{ partition: 1, records: [record] }]);
        await appendEvents(log, maker, 1_000);
      });
    }
    const out = join(folder, 'damaged-out');
    const readable = (await logOf(twin)).rows.filter(
      ({ logPartition, logOffset }) => logPartition !== 1 || Number(logOffset) < damaged,
    );
    for (const attempt of [1, 2]) {
      const { code, stderr } = await run('tap', ['--to', 'parquet', '--out', out], { FANLOG_DATA: data });
      assert.equal(code, 1, `attempt ${attempt}: ${stderr}`);
      assert.match(
        stderr.trimEnd().split('\n').at(-1)!,
        new RegExp(`^fanlog tap: Partition 1 of timeline\\.g1, record ${damaged}: schema id 65535 is unknown`),
      );
      assert.deepEqual(await readParquet(out), readable);
    }
  });

  test('a log that is replaced while it is followed is not read on', {
    skip: process.platform === 'win32',
  }, async () => {
    const [data, other, out] = [join(folder, 'replaced'), join(folder, 'replacement'), join(folder, 'replaced-out')];
    await withLog(data, (log) => appendEvents(log, new EventMaker(4), 600));
    await withLog(other, (log) => appendEvents(log, new EventMaker(5), 900));
    const args = ['--to', 'parquet', '--out', out, '--follow'];
    const { finished } = start('tap', args, { FANLOG_DATA: data });
    await Promise.race([untilExists(join(out, 'events-000001.parquet')), finished]);
    renameSync(join(data, 'log'), join(data, 'log.before'));
    cpSync(join(other, 'log'), join(data, 'log'), { recursive: true });
    const { code, stderr } = await finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^fanlog tap: The log in .*replaced was replaced or taken away while it was read\./m);
    const again = await run('tap', args, { FANLOG_DATA: data });
    assert.deepEqual([again.code, /was begun from another log/.test(again.stderr)], [2, true], again.stderr);
  });
});
