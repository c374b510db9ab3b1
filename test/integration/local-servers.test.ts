// The launcher of real servers: what it starts answers, and nothing that it starts is left behind.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from '@scylladb/cassandra-driver';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { freePorts, isFree } from '../../infra/local/free-ports.ts';
import { isAlive } from '../../infra/local/process-identity.ts';
import {
  downloadServers,
  LocalServerError,
  startServer,
  startServers,
  stopWarmServers,
} from '../../infra/local/servers.ts';

// Not one's own and not warm ones: this is about those that are started here.
const { FANLOG_KAFKA, FANLOG_CASSANDRA, FANLOG_REDIS, FANLOG_KEEP_SERVERS, ...others } = process.env;
const inherited = { FANLOG_SHORT_LIVED_SERVERS: '1', ...others };
const cacheFolder = process.env.FANLOG_CACHE || join(homedir(), '.cache', 'fanlog');
const parent = join(import.meta.dirname, 'server-parent.ts');
const folder = mkdtempSync(join(tmpdir(), 'fanlog-servers-'));
before(() => downloadServers({ env: inherited }));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A cache with everything downloaded, but without warm servers. */
function linkedCache(name: string): NodeJS.ProcessEnv {
  const cache = join(folder, name);
  mkdirSync(join(cache, 'servers'), { recursive: true });
  symlinkSync(join(cacheFolder, 'maven'), join(cache, 'maven'));
  for (const jars of readdirSync(join(cacheFolder, 'servers')).filter((file) => /^jars-\w+-\w+$/.test(file))) {
    symlinkSync(join(cacheFolder, 'servers', jars), join(cache, 'servers', jars));
  }
  return { ...inherited, FANLOG_CACHE: cache };
}

const portOf = (address: string) => Number(address.split(':')[1]);

async function untilGone(pids: readonly number[], limit_ms: number): Promise<void> {
  for (const deadline_ms = performance.now() + limit_ms; pids.some(isAlive); await sleep(20)) {
    assert.ok(performance.now() < deadline_ms, `still running: ${pids.filter(isAlive).join(', ')}`);
  }
}

test('all three answer their clients, and stop ends them and frees their ports', async () => {
  const servers = await startServers({ env: linkedCache('all'), keep: false });
  try {
    assert.equal(servers.pids.length, 3);
    await Promise.all([talkToKafka(servers.kafka), talkToCassandra(servers.cassandra), talkToRedis(servers.redis)]);
  } finally {
    await servers.stop();
  }
  assert.deepEqual(servers.pids.filter(isAlive), []);
  for (const address of [servers.kafka, servers.cassandra, servers.redis]) {
    assert.equal(await isFree(portOf(address)), true, address);
  }
  assert.deepEqual(readdirSync(join(folder, 'all', 'servers', 'run')), []);
  assert.deepEqual(readdirSync(join(folder, 'all', 'servers', 'logs')), []);
});

async function talkToKafka(address: string): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 1 } });
  const admin = kafka.admin();
  const producer = kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await admin.createTopics({ topics: [{ topic: 'spoken', numPartitions: 2 }], waitForLeaders: true });
  await producer.send({ topic: 'spoken', acks: -1, messages: [{ value: 'hello', partition: 1 }] });
  const offsets = await admin.fetchTopicOffsets('spoken');
  assert.equal(offsets.find(({ partition }) => partition === 1)?.high, '1');
  await assert.rejects(producer.send({ topic: 'misspelled', messages: [{ value: 'hello' }] }));
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}

async function talkToCassandra(address: string): Promise<void> {
  const client = new cassandra.Client({ contactPoints: [address], localDataCenter: 'datacenter1' });
  const replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}";
  await client.execute(`CREATE KEYSPACE spoken WITH replication = ${replication}`);
  await client.execute('CREATE TABLE spoken.words (word text PRIMARY KEY)');
  const options = { prepare: true, consistency: cassandra.types.consistencies.localQuorum };
  await client.execute('INSERT INTO spoken.words (word) VALUES (?)', ['hello'], options);
  const { rows } = await client.execute('SELECT word FROM spoken.words', [], options);
  assert.deepEqual(
    rows.map(({ word }) => word),
    ['hello'],
  );
  await client.shutdown();
}

async function talkToRedis(address: string): Promise<void> {
  const client = new Redis(portOf(address), '127.0.0.1');
  await client.set('word', 'hello');
  assert.equal(await client.get('word'), 'hello');
  client.disconnect();
}

test('servers with a data folder find their data again when their parent was killed with -9, and come back themselves', async () => {
  const dataFolder = join(folder, 'data');
  const options = { env: linkedCache('data'), dataFolder, logFolder: join(folder, 'data-logs') };
  const [parent, first] = await startInParent(options.env, 'kafka,cassandra', 'new', dataFolder);
  const addressOf = (name: string) => first.find((server) => server.name === name)!.address;
  try {
    await Promise.all([talkToKafka(addressOf('kafka')), talkToCassandra(addressOf('cassandra'))]);
  } finally {
    parent.kill('SIGKILL');
  }
  const servers = await startServers(options); // waits for those of the parent to be gone
  try {
    assert.deepEqual(await heardOn(servers), { records: '1', words: ['hello'] });
    const [kafka] = servers.all;
    process.kill(kafka!.pid!, 'SIGKILL');
    await Promise.race([kafka!.exited!(), sleep(5_000)]);
    await kafka!.restart!();
    assert.deepEqual(await heardOn(servers), { records: '1', words: ['hello'] });
    assert.equal(kafka!.address, servers.kafka);
  } finally {
    await servers.stop();
  }
  const pids = servers.all.map(({ pid }) => pid!);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.ok(readdirSync(join(dataFolder, 'kafka', 'log')).some((name) => name.startsWith('spoken-')));
});

type Heard = { records: string; words: string[] };

async function heardOn(addresses: { kafka: string; cassandra: string }): Promise<Heard> {
  const admin = new Kafka({ brokers: [addresses.kafka], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets('spoken');
  await admin.disconnect();
  const client = new cassandra.Client({ contactPoints: [addresses.cassandra], localDataCenter: 'datacenter1' });
  const { rows } = await client.execute('SELECT word FROM spoken.words');
  await client.shutdown();
  const words = rows.map(({ word }) => word as string).sort();
  return { records: offsets.find(({ partition }) => partition === 1)!.high, words };
}

type Started = { name: string; address: string; pid: number; kind: string }[];

async function startInParent(env: NodeJS.ProcessEnv, ...args: string[]): Promise<[ChildProcess, Started]> {
  const child = spawn(process.execPath, ['--import', 'tsx', parent, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  for await (const line of createInterface(child.stdout)) return [child, JSON.parse(line)];
  throw new Error('the parent ended without a word');
}

test('servers end, and their data go, when the process that started them is killed with -9', async () => {
  const [child, servers] = await startInParent(linkedCache('killed'), 'kafka,redis');
  const pids = servers.map(({ pid }) => pid);
  assert.ok(pids.every(isAlive));
  child.kill('SIGKILL');
  await untilGone(pids, 5_000);
  const run = join(folder, 'killed', 'servers', 'run');
  for (const deadline_ms = performance.now() + 5_000; readdirSync(run).length > 0; await sleep(20)) {
    assert.ok(performance.now() < deadline_ms, `left in ${run}: ${readdirSync(run)}`);
  }
});

test('a server that is kept outlives its process, is found by the next, and ends when asked to', async () => {
  const env = linkedCache('kept');
  const [child, [kept]] = await startInParent(env, 'redis', 'keep');
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
  const found = await startServer('redis', { env });
  assert.deepEqual([found.kind, found.address, found.pid], ['warm', kept!.address, kept!.pid]);
  await found.stop();
  await talkToRedis(found.address);
  assert.deepEqual(await stopWarmServers(env), ['redis']);
  assert.equal(isAlive(kept!.pid), false);
  assert.deepEqual(await stopWarmServers(env), []);
});

test('a kept server that was killed is replaced', async () => {
  const env = linkedCache('replaced');
  const first = await startServer('redis', { env, keep: true });
  process.kill(first.pid!, 'SIGKILL');
  await untilGone([first.pid!], 5_000);
  const second = await startServer('redis', { env });
  assert.equal(second.kind, 'new');
  await second.stop();
});

async function refusal(starting: Promise<unknown>): Promise<string> {
  const error = await starting.then(
    () => assert.fail('it started'),
    (reason) => reason,
  );
  assert.ok(error instanceof LocalServerError, String(error));
  return error.message;
}

test('without Java one line says which is needed and how to get it, and nothing is left running', async () => {
  const message = await refusal(startServers({ env: { ...linkedCache('no-java'), PATH: folder, JAVA_HOME: '' } }));
  assert.match(message, /^Java is missing; Kafka and Cassandra need Java 17: install it \(.+\), .+$/);
  assert.deepEqual(readdirSync(join(folder, 'no-java', 'servers', 'run')), []);
});

test('without Maven one line says what it is for and how to get it', async () => {
  const env = { ...inherited, PATH: folder, FANLOG_CACHE: join(folder, 'no-maven') };
  const message = await refusal(startServer('redis', { env }));
  assert.match(message, /^Maven is missing; it fetches redis: install it \(.+\), .+ FANLOG_REDIS$/);
});

test('a download that fails says why in one line', async () => {
  const bin = join(folder, 'failing-maven');
  writeProgram(join(bin, 'mvn'), 'echo "[ERROR] Could not transfer artifact: Connection refused"; exit 1');
  const env = { ...inherited, PATH: `${bin}:${process.env.PATH}`, FANLOG_CACHE: join(folder, 'no-network') };
  const message = await refusal(startServer('redis', { env }));
  assert.equal(message, 'Maven could not fetch redis: Could not transfer artifact: Connection refused');
});

test('a server that ends at once shows the end of its log, and where it lies', async () => {
  const home = join(folder, 'failing-java');
  const java = 'case "$1" in -version) echo \'openjdk version "17.0.1"\' >&2;; *) echo "out of luck"; exit 1;; esac';
  writeProgram(join(home, 'bin', 'java'), java);
  const message = await refusal(startServer('cassandra', { env: { ...linkedCache('unlucky'), JAVA_HOME: home } }));
  assert.match(
    message,
    /^cassandra does not start: it ended by itself .+; log .+\.log; the end of its log:\nout of luck$/,
  );
});

test("one's own server that does not answer is named", async () => {
  const [port] = await freePorts(1);
  const env = { ...inherited, FANLOG_REDIS: `127.0.0.1:${port}` };
  const message = await refusal(startServer('redis', { env }));
  assert.match(message, new RegExp(`^FANLOG_REDIS=127.0.0.1:${port} does not answer: .+$`));
});

function writeProgram(path: string, script: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}
