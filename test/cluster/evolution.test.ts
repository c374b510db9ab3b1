// A field is added to an event while people write: releases of before and after it run side by side, in any order, forth
// and back, and whoever reads the topics reads them on. The releases are today's sources with the edits that
// schemas/README.md asks for (test/evolution/language-field.ts).
//
//   today ─▶ A, which reads the field ─▶ B, which fills it in ─▶ FoldVersion 2: events carry it ─▶ back to A
//                                        └─ a fanout of today among them stops its partitions until it is A, too
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { RoleStatus } from '../../infra/local/cluster/index.ts';
import { schemaIdOf } from '../../services/events/codec.ts';
import { partitionOf } from '../../services/events/partition.ts';
import { positionOf } from '../../services/events/position.ts';
import { readSchemaFiles, type SchemaFile } from '../../services/events/schema-files.ts';
import { topicOf } from '../../services/events/topics.ts';
import { ROLES } from '../../services/profiles/roles.ts';
import { FOLD_VERSION, LANGUAGE } from '../evolution/language-field.ts';
import { readAsToday } from '../evolution/read-as-today.ts';
import { buildReleases, type ReleaseName, SCHEMAS } from '../evolution/releases.ts';
import { switchFoldVersion } from '../evolution/switch-fold-version.ts';
import { resultOf, startReplay } from '../integration/run-replay.ts';
import { runPython } from '../python/run-python.ts';
import { pythonWith } from '../python/virtual-environment.ts';
import { ClusterUnderLoad } from './cluster-under-load.ts';
import { LogContents, waitUntil } from './ledger/index.ts';
import { untilShared } from './partition-owners.ts';
import { serversOfThisRun } from './servers.ts';

/** An api, and two of each of the others. */
const PROCESSES_PER_ROLE_MAX = 2;
const SIDE_BY_SIDE_MS = 1_000;
/** Half as many as elsewhere: what is new costs no more, and two dozen processes are started. */
const MESSAGES_PER_SECOND = 20;
const STOPPED_MS_MAX = 30_000;
const MOVED_MS_MAX = 30_000;
const READ_MS_MAX = 60_000;

const TODAYS_IDS = new Set(readSchemaFiles().map(({ id }) => id));
const folder = mkdtempSync(join(tmpdir(), 'fanlog-evolution-'));
let releases: Awaited<ReturnType<typeof buildReleases>>;
let running: ClusterUnderLoad;
/** As it stands there; the ledger reads it as today. */
let log: LogContents;
/** Of release A. */
let codec: typeof import('../../services/events/codec.ts');

before(async () => {
  releases = await buildReleases(folder);
  codec = await import(releases.a.codecFile);
  const servers = await serversOfThisRun();
  const { mainFile } = releases.today;
  const build = { mainFile, readRecord: readAsToday(SCHEMAS) };
  running = await ClusterUnderLoad.start({ servers, ...build, messagesPerSecond: MESSAGES_PER_SECOND });
  log = new LogContents(servers.kafka, running.cluster.prefix);
});

after(async () => {
  await log?.close();
  await running?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** One process of every role after the other, while those that are left go on in what they are. */
async function upgrade(t: TestContext, to: 'a' | 'b', order: (all: readonly RoleStatus[]) => readonly RoleStatus[]) {
  const { cluster, load } = running;
  const from = performance.now();
  const all = order(cluster.processes());
  for (let turn = 0; turn < PROCESSES_PER_ROLE_MAX; turn++) {
    const names = ROLES.flatMap((role) => all.filter((process) => process.role === role)[turn]?.name ?? []);
    await Promise.all(names.map((name) => cluster.restartFrom(name, releases[to].mainFile)));
  }
  await running.caughtUp(performance.now());
  const [took, slowest] = [performance.now() - from, load.latecomers.slowest_ms(from)].map((ms) =>
    (ms / 1_000).toFixed(1),
  );
  t.diagnostic(`${all.length} processes are ${to} after ${took} s; slowest message ${slowest} s`);
}

/** How many records of each schema stood on a topic when the log was last read: `{ 'old SendMessage': 7 }`. */
function countsOn(topic: 'messages' | 'timeline'): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { value } of log.partitions(topic).flatMap(({ records }) => records)) {
    const { name } = schemaOf(value);
    const kind = `${ageOf(value)} ${name}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function schemaOf(value: Uint8Array): SchemaFile {
  return SCHEMAS.find(({ id }) => id === schemaIdOf(value))!;
}

/** new: of a schema that today's sources have not. */
function ageOf(value: Uint8Array): 'old' | 'new' {
  return TODAYS_IDS.has(schemaIdOf(value)) ? 'old' : 'new';
}

test('every process becomes A, then B, one after the other: commands carry the field, decisions are what they were', async (t) => {
  await upgrade(t, 'a', (all) => all);
  await log.readOn();
  assert.equal(countsOn('messages')['new SendMessage'], undefined, 'A writes what today reads');
  await upgrade(t, 'b', (all) => [...all].reverse());
  await running.steady(SIDE_BY_SIDE_MS);
  await log.readOn();
  const asked = countsOn('messages');
  assert.ok(asked['old SendMessage']! > 0 && asked['new SendMessage']! > 0, JSON.stringify(asked));
  assert.equal(countsOn('timeline')['new MessageSent'], undefined, 'a deploy changes no decision');
  t.diagnostic(JSON.stringify(asked));
});

test('a fanout of today stops at what B wrote, says so, loses nothing, and goes on as A', async (t) => {
  const { cluster, load } = running;
  const [old] = running.processes('fanout');
  const { name, log: logFile, operationsPort } = old!;
  const written = readFileSync(logFile).length;
  const from = performance.now();
  void cluster.restartFrom(name, releases.today.mainFile); // it is not to become ready
  const stopped = async () => /^fanlog_fanout_stopped_partitions [1-9]/m.test(await ask(operationsPort, '/metrics'));
  await waitUntil('partitions stop', stopped, STOPPED_MS_MAX);
  assert.match(await ask(operationsPort, '/readyz'), /a partition is stopped: an operator must look at it/);
  const { id } = SCHEMAS.find((file) => file.name === 'SendMessage' && !TODAYS_IDS.has(file.id))!;
  const said = readFileSync(logFile).subarray(written).toString();
  assert.match(said, new RegExp(`partition stopped.*schema id ${id} is unknown: a newer version wrote it`));
  const stoppedAt = performance.now();
  await waitUntil('sends go on', () => load.observations.acceptedAt_ms.at(-1)! > stoppedAt, STOPPED_MS_MAX);
  await cluster.restartFrom(name, releases.a.mainFile);
  await running.caughtUp(performance.now());
  t.diagnostic(`slowest message ${(load.latecomers.slowest_ms(from) / 1_000).toFixed(1)} s`);
  await running.assertCleanLedger();
});

test('FoldVersion 2 puts the field into events, at one place of each partition, whoever decides; then all go back to A', async (t) => {
  const { cluster } = running;
  await switchFoldVersion(cluster, FOLD_VERSION);
  await running.steady(SIDE_BY_SIDE_MS);
  await upgrade(t, 'a', (all) => all);
  for (const stage of ['fanout', 'inbox'] as const) await untilShared(cluster, stage, 2, MOVED_MS_MAX);
  const { violations: _, ...ledger } = await running.assertCleanLedger();
  running.load.pause();
  await running.load.settled();
  await log.readOn();
  t.diagnostic(JSON.stringify({ ...ledger, ...countsOn('messages'), ...countsOn('timeline') }));
  assertDecidedByTheLog();
});

/**
 * The version and the language of every event follow from the log alone: from where the FoldVersion stands, and from the
 * command. So two processes of different releases that decide the same command write the same bytes, and a replay does.
 */
function assertDecidedByTheLog(): void {
  const { generation, partitions } = log.layout;
  const switchedAt = new Map<number, number>();
  const commands = new Map<string, { readonly age: string; readonly language: unknown }>();
  const keyOf = (conversationId: string, position: number) => `${conversationId} ${position}`;
  for (const { number, records } of log.partitions('messages'))
    for (const { offset, value } of records) {
      const record = codec.decodeMessagesRecord(value);
      const position = positionOf(generation, offset);
      if (record.type === 'FoldVersion') switchedAt.set(number, position);
      if (record.type !== 'SendMessage') continue;
      const { language } = record as { readonly language?: unknown };
      commands.set(keyOf(record.conversationId, position), { age: ageOf(value), language });
    }
  const kinds = new Set<string>();
  const events = new Map<string, Uint8Array>();
  for (const { value } of log.partitions('timeline').flatMap(({ records }) => records)) {
    const event = codec.decodeTimelineEvent(value);
    const { conversationId, seq, position, type } = event;
    const place = `${conversationId}#${seq}`;
    assert.deepEqual(events.get(place) ?? value, value, `${place} stands there again, and is the same`);
    events.set(place, value);
    if (type !== 'MessageSent') continue;
    const command = commands.get(keyOf(conversationId, position))!;
    const isSwitched = position > switchedAt.get(partitionOf(conversationId, partitions.messages))!;
    const found = [ageOf(value), (event as { readonly language?: unknown }).language];
    assert.deepEqual(found, isSwitched ? ['new', command.language] : ['old', null], place);
    kinds.add(`${command.age} command, event ${found}`);
  }
  const wanted = [
    `new command, event new,${LANGUAGE}`,
    'new command, event old,',
    'old command, event new,',
    'old command, event old,',
  ];
  assert.deepEqual([...kinds].sort(), wanted, 'all that can stand side by side did');
  for (const { value } of log.partitions('inbox').flatMap(({ records }) => records)) {
    const record = codec.decodeInboxRecord(value);
    if (record.type !== 'InboxEntries') continue;
    const place = `${record.conversationId}#${record.seq}`;
    assert.deepEqual(Buffer.from(record.event), Buffer.from(events.get(place)!), `${place} in an inbox is the same`);
  }
}

test('consumers of both versions of the schema, in Python, read all of it, from the registry of the api', async () => {
  const python = await pythonWith(join(import.meta.dirname, 'python-reader', 'requirements.txt'));
  const files = SCHEMAS.filter(({ name }) => name === 'MessageSent')
    .sort((a, b) => a.version - b.version)
    .slice(-2);
  const paths = files.map(({ version, text }) => {
    const path = join(folder, `reader.v${version}.avsc`);
    writeFileSync(path, text);
    return path;
  });
  const { kafka, apiUrl } = running.cluster;
  const program = join(import.meta.dirname, '../evolution/readers.py');
  const counts = countsOn('timeline');
  const topic = topicOf(log.layout, 'timeline');
  const found = JSON.parse(
    await runPython(python, [program, kafka, `${apiUrl}/registry`, topic, ...paths], READ_MS_MAX),
  );
  const [one, two] = [counts['old MessageSent']!, counts['new MessageSent']!];
  assert.deepEqual(found.written, { [files[0]!.id]: one, [files[1]!.id]: two });
  assert.ok(found.same, 'both saw the same texts at the same places');
  const [old, young] = found.readers as { fields: string[]; languages: Record<string, number> }[];
  assert.deepEqual(young!.fields, [...old!.fields, 'language'].sort());
  assert.deepEqual(old!.languages, { None: one + two });
  assert.ok(young!.languages[LANGUAGE]! > 0 && young!.languages.None! > one, JSON.stringify(young));
});

test('a replay of B over both versions gives every row as it is; one of today says why it cannot', async () => {
  const { kafka, cassandra, redis, keyspace, prefix, secret } = running.cluster;
  const env = {
    ...{ FANLOG_KAFKA: kafka, FANLOG_CASSANDRA: cassandra, FANLOG_REDIS: redis },
    ...{ FANLOG_KEYSPACE: keyspace, FANLOG_PREFIX: prefix, FANLOG_SECRET: secret },
  };
  const replay = (release: ReleaseName) =>
    resultOf(startReplay(['--from', 'inbox', '--dry-run', '--json'], env, releases[release].replayFile));
  const { code, stdout, stderr } = await replay('b');
  assert.equal(code, 0, stderr + stdout);
  const { differences, compared } = JSON.parse(stdout);
  assert.deepEqual([differences, compared.users.different, compared.conversations.different], [0, 0, 0]);
  assert.ok(compared.users.equal > 0 && compared.conversations.equal > 0, stdout);
  const refused = await replay('today');
  assert.equal(refused.code, 2, refused.stdout);
  assert.match(refused.stderr, /unknown/);
});

/** What an operations port says; empty: nothing, yet. */
async function ask(operationsPort: number, path: string): Promise<string> {
  return fetch(`http://127.0.0.1:${operationsPort}${path}`).then(
    (response) => response.text(),
    () => '',
  );
}
