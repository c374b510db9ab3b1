// A field is added to an event, embedded: one data folder under one release after the other, forth and back. (Side by
// side, on a cluster: test/cluster/evolution.test.ts.)
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createNodeClient, dataOf, HttpApi, systemRuntime } from '../../services/client/node.ts';
import { encodeMessagesRecord, schemaIdOf } from '../../services/events/codec.ts';
import { readSchemaFiles } from '../../services/events/schema-files.ts';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import type { LogRecord } from '../../services/ports/log/event-log.ts';
import { waitUntil } from '../cluster/ledger/index.ts';
import { FOLD_VERSION } from '../evolution/language-field.ts';
import { buildReleases, type ReleaseName } from '../evolution/releases.ts';
import { resultOf, startReplay } from './run-replay.ts';
import { startProcess } from './start-process.ts';

const MESSAGES = 5;
const PULLED_MS_MAX = 30_000;
const RECORDS_MAX = 1_000;
const TIMELINE = [...Array(EMBEDDED_LAYOUT.partitions.timeline).keys()];

const folder = mkdtempSync(join(tmpdir(), 'fanlog-evolution-'));
const data = join(folder, 'data');
const texts: string[] = [];
let releases: Awaited<ReturnType<typeof buildReleases>>;

before(async () => {
  releases = await buildReleases(folder);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** Some messages under a release; whoever reads them all there finds what was sent until now. */
async function talk(release: ReleaseName): Promise<void> {
  const server = await startProcess({ FANLOG_DATA: data }, [releases[release].mainFile]);
  try {
    const api = new HttpApi({ baseUrl: server.apiUrl, runtime: systemRuntime });
    const token = async () =>
      dataOf(texts.length === 0 ? await api.register('ada', 'ada-123456') : await signIn()).token;
    const signIn = () => api.signIn('ada', 'ada-123456');
    const ticket = await token();
    const client = createNodeClient({
      edges: async () => dataOf(await api.edges()).edges,
      token: async () => ticket,
      device: release,
    });
    const pulled: string[] = [];
    client.on('entry', ({ event }) => {
      if (event.kind === 'message') pulled.push(event.payload);
    });
    await client.start();
    for (let i = 0; i < MESSAGES; i++) {
      const text = `${texts.length} under ${release}`;
      assert.equal((await client.send(api.directId('ada', 'bea'), text).done).result, 'sequenced');
      texts.push(text);
    }
    await waitUntil('everything is pulled', () => pulled.length >= texts.length, PULLED_MS_MAX);
    client.close();
    assert.deepEqual(pulled, texts);
  } finally {
    await server.stop();
  }
}

async function withLog<T>(use: (log: LmdbEventLog) => Promise<T>): Promise<T> {
  const environment = openEnvironment(data);
  const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
  try {
    return await use(log);
  } finally {
    await log.close();
    await environment.close();
  }
}

test('one release after the other goes on with the folder, with events of both versions in it', async () => {
  await talk('today');
  await talk('a');
  await talk('today');
  await talk('b');
  const value = encodeMessagesRecord({ type: 'FoldVersion', version: FOLD_VERSION });
  const records = [{ key: 'fold-version', value }];
  const batches = Array.from({ length: EMBEDDED_LAYOUT.partitions.messages }, (_, partition) => ({
    partition,
    records,
  }));
  await withLog((log) => log.append('messages', batches));
  const switchedAt = texts.length;
  await talk('a');
  const known = new Set(readSchemaFiles().map(({ id }) => id));
  const all = await withLog((log) => Promise.all(TIMELINE.map((partition) => readAll(log, partition))));
  const { decodeTimelineEvent }: typeof import('../../services/events/codec.ts') = await import(releases.a.codecFile);
  const events = new Map<number, Uint8Array>();
  for (const { value } of all.flat()) {
    const { seq } = decodeTimelineEvent(value);
    assert.deepEqual(events.get(seq) ?? value, value, 'decided again by another release, it is the same');
    events.set(seq, value);
  }
  assert.deepEqual(
    [...events.values()].map((value) => !known.has(schemaIdOf(value))),
    texts.map((_, index) => index >= switchedAt),
    'from the FoldVersion on, and from nowhere else',
  );
});

async function readAll(log: LmdbEventLog, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (;;) {
    const more = await log.readFrom('timeline', partition, records.length, RECORDS_MAX);
    if (more.length === 0) return records;
    records.push(...more);
  }
}

test('a replay of A, beside B, gives every row as it is; one of today says why it cannot', async () => {
  const replay = (release: ReleaseName) =>
    resultOf(
      startReplay(['--from', 'messages', '--dry-run', '--json'], { FANLOG_DATA: data }, releases[release].replayFile),
    );
  const server = await startProcess({ FANLOG_DATA: data }, [releases.b.mainFile]);
  try {
    const { code, stdout, stderr } = await replay('a');
    assert.equal(code, 0, stderr + stdout);
    const { differences, compared } = JSON.parse(stdout);
    assert.deepEqual([differences, compared.users.equal, compared.conversations.equal], [0, 2, 1], stdout);
    const refused = await replay('today');
    assert.equal(refused.code, 2, refused.stdout);
    assert.match(refused.stderr, /unknown/);
  } finally {
    await server.stop();
  }
});
