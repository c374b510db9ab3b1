// `npm run cluster` as people run it: the built command, real servers, real roles. Kafka and Cassandra are those of this
// run, with a keyspace and a prefix of our own on them; Redis is one that the cluster starts itself.
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from '@scylladb/cassandra-driver';
import { Kafka, logLevel } from 'kafkajs';
import type { ClusterRecord } from '../../infra/local/cluster/cluster-folder.ts';
import { isFreeEverywhere } from '../../infra/local/cluster/port-plan.ts';
import { freePorts } from '../../infra/local/free-ports.ts';
import { isAlive } from '../../infra/local/process-identity.ts';
import { projectFolder } from '../../infra/local/project-folder.ts';
import { serversOfThisRun } from './servers.ts';

const command = join(projectFolder(), 'dist', 'commands', 'cluster.js');
const name = `local${randomBytes(6).toString('hex')}`;
const data = mkdtempSync(join(tmpdir(), 'fanlog-local-cluster-'));
const folder = join(data, 'fanlog.cluster');
const FEW = ['--edges', '1', '--fanouts', '1', '--inboxes', '1'];
/** Roles may drain for 20 s, though here they have nothing to drain. */
const GONE_MS_MAX = 30_000;
const READY_MS_MAX = 60_000;

let env: NodeJS.ProcessEnv;
let port: number;
const seen = new Set<number>();

before(async () => {
  const { kafka, cassandra } = await serversOfThisRun();
  port = await neighbours(12);
  const { PATH, HOME, JAVA_HOME, FANLOG_CACHE } = process.env;
  env = {
    ...{ PATH, HOME, JAVA_HOME, FANLOG_CACHE },
    ...{ FANLOG_DATA: data, PORT: String(port), FANLOG_KEYSPACE: name, FANLOG_PREFIX: `${name}.` },
    ...{ FANLOG_KAFKA: kafka, FANLOG_CASSANDRA: cassandra },
  };
});

after(async () => {
  await run(['--stop']);
  for (const pid of seen) if (isAlive(pid)) process.kill(pid, 'SIGKILL'); // nothing outlives a test that failed
  await removeFromServers();
  rmSync(data, { recursive: true, force: true });
});

/** The first of `count` neighbours that are free now. */
async function neighbours(count: number): Promise<number> {
  for (;;) {
    const [first] = await freePorts(1);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFreeEverywhere(first! + index)));
    if (!free.includes(false)) return first!;
  }
}

async function removeFromServers(): Promise<void> {
  const { kafka: brokers, cassandra: contactPoints } = await serversOfThisRun();
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(name));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.disconnect();
  const client = new cassandra.Client({ contactPoints: contactPoints.split(','), localDataCenter: 'datacenter1' });
  await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
  await client.shutdown();
}

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function begin(args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [command, ...args], { env: { ...env, ...more } });
  child.stdout.setEncoding('utf8');
  child.stderr.setEncoding('utf8');
  return child;
}

function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk: string) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

function run(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return outcomeOf(begin(args, more));
}

/** The rows of the table, by name: process id, state, the whole line. */
function rowsOf({ stdout }: Pick<Ran, 'stdout'>) {
  const lines = stdout
    .split('\n')
    .map((line) => /^ {2}([a-z]+(?:-\d+)?) +(\d+|-) .*?(\w+(?:, restarted .+)?)$/.exec(line));
  const rows = new Map(lines.flatMap((line) => (line === null ? [] : [[line[1]!, rowOf(line)] as const])));
  for (const { pid } of rows.values()) if (pid !== null) seen.add(pid);
  return rows;
}

function rowOf([line, , pid, state]: RegExpExecArray) {
  return { line, pid: pid === '-' ? null : Number(pid), state };
}

function pidsOf(rows: ReturnType<typeof rowsOf>): number[] {
  return [...rows.values()].flatMap(({ pid }) => (pid === null ? [] : [pid]));
}

async function statusUntil(condition: (rows: ReturnType<typeof rowsOf>) => boolean, what: string) {
  for (const deadline_ms = performance.now() + READY_MS_MAX; ; await sleep(100)) {
    const rows = rowsOf(await run(['--status']));
    if (condition(rows)) return rows;
    assert.ok(performance.now() < deadline_ms, `${what}: ${[...rows.values()].map(({ line }) => line).join('\n')}`);
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  for (const deadline_ms = performance.now() + GONE_MS_MAX; pids.some(isAlive); await sleep(50)) {
    assert.ok(performance.now() < deadline_ms, `still running: ${pids.filter(isAlive).join(', ')}`);
  }
}

const record = () => JSON.parse(readFileSync(join(folder, 'supervisor.json'), 'utf8')) as ClusterRecord;

/** Without a keep-alive connection that would outlive what answers it. */
function statusCode(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    asked.on('error', reject).end();
  });
}

describe('npm run cluster', { timeout: 300_000 }, () => {
  let rows: ReturnType<typeof rowsOf>;

  test('returns when every role is ready, and says what runs where', async () => {
    const started = await run([]);
    assert.equal(started.code, 0, started.stdout + started.stderr);
    rows = rowsOf(started);
    const roles = ['api-1', 'edge-1', 'edge-2', 'fanout-1', 'fanout-2', 'inbox-1', 'inbox-2'];
    for (const role of roles) {
      const { line, pid, state } = rows.get(role)!;
      assert.ok(isAlive(pid!), role);
      assert.equal(state, 'ready', role);
      assert.equal(await statusCode(`${/http:\/\/127\.0\.0\.1:\d+/.exec(line)![0]}/readyz`), 200, role);
    }
    assert.match(rows.get('api-1')!.line, new RegExp(`http://localhost:${port} `));
    assert.match(rows.get('edge-2')!.line, new RegExp(`ws://localhost:${port + 2}/v1 `));
    assert.match(started.stdout, /kafka +- +127\.0\.0\.1:\d+ +your own/);
    assert.ok(isAlive(rows.get('redis')!.pid!));
    assert.match(started.stdout, new RegExp(`page +http://localhost:${port}`));
    assert.match(started.stdout, /sign in +alice \/ alice-demo/);
    assert.deepEqual(
      readdirSync(join(folder, 'logs')).sort(),
      [...roles, 'create', 'redis', 'supervisor'].map((log) => `${log}.log`).sort(),
    );
  });

  test('what it started works together: the api knows both edges, and the demo group was made through the log', async () => {
    const { edges } = (await call('/edges')) as { edges: string[] };
    assert.deepEqual(
      edges,
      [1, 2].map((n) => `ws://localhost:${port + n}/v1`),
    );
    const body = JSON.stringify({ user: 'alice', password: 'alice-demo' });
    // The demo users are made by an api that is ready.
    const signIn = async () => (await call('/sessions', { method: 'POST', body })) as { token: string } | null;
    let session = await signIn();
    for (const deadline_ms = performance.now() + READY_MS_MAX; session === null; session = await signIn()) {
      assert.ok(performance.now() < deadline_ms, 'alice cannot sign in');
      await sleep(100);
    }
    const headers = { authorization: `Bearer ${session.token}` };
    const { conversations } = (await call('/conversations', { headers })) as { conversations: { title: string }[] };
    assert.deepEqual(
      conversations.map(({ title }) => title),
      ['Welcome'],
    );
  });

  async function call(path: string, init: RequestInit = {}): Promise<unknown> {
    const headers = { 'content-type': 'application/json', connection: 'close', ...init.headers };
    const reply = await fetch(`http://localhost:${port}/v1${path}`, { ...init, headers });
    return ((await reply.json()) as { data: unknown }).data;
  }

  test('only who can read the record may command the supervisor', async () => {
    assert.equal(statSync(join(folder, 'supervisor.json')).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'fanlog.secret')).mode & 0o777, 0o600);
    const { controlPort, token } = record();
    const url = `http://127.0.0.1:${controlPort}/status`;
    assert.equal(await statusCode(url), 403);
    assert.equal(await statusCode(url, { authorization: 'Bearer someone' }), 403);
    assert.equal(await statusCode(url, { authorization: `Bearer ${token}` }), 200);
  });

  test('a second start shows what runs, and starts nothing', async () => {
    const again = await run(FEW);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /^A cluster runs on .+ already/);
    const now = rowsOf(again);
    assert.deepEqual([...now.keys()], [...rows.keys()]);
    for (const [role, { pid }] of now) assert.equal(pid, rows.get(role)!.pid, role);
  });

  test('where a port is taken, a start says which, and leaves nothing behind', async () => {
    const elsewhere = join(data, 'elsewhere');
    const refused = await run([], { FANLOG_DATA: elsewhere });
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`^fanlog cluster: Port ${port}, for api-1, is taken by another process\\. .+\n$`),
    );
    assert.match((await run(['--status'], { FANLOG_DATA: elsewhere })).stderr, /^fanlog cluster: No cluster runs on /);
  });

  test('where a setting is wrong, a start says so in the words of the roles', async () => {
    const elsewhere = { FANLOG_DATA: join(data, 'elsewhere'), PORT: '0', FANLOG_SECRET: 'short' };
    const refused = await run(FEW, elsewhere);
    assert.equal(refused.code, 1);
    const [first, second] = refused.stderr.split('\n');
    assert.match(
      first!,
      /^fanlog cluster: Making tables and topics failed: FANLOG_SECRET: it has 5 bytes of the 32 needed/,
    );
    assert.match(second!, /^The end of .+create\.log:$/);
  });

  test('a fanout and a Redis that are killed with -9 come back ready, where they were', async () => {
    const killed = ['fanout-1', 'redis'];
    for (const name of killed) process.kill(rows.get(name)!.pid!, 'SIGKILL');
    const now = await statusUntil((now) => {
      return [...now.values()].every(
        ({ state }) => state === 'ready' || /^ready, restarted once$/.test(state!) || state === 'own',
      );
    }, 'ready again');
    for (const name of killed) {
      assert.equal(now.get(name)!.state, 'ready, restarted once', name);
      assert.notEqual(now.get(name)!.pid, rows.get(name)!.pid, name);
      const addresses = /[\w/]*[\d.]+:\d+\S*/;
      assert.equal(addresses.exec(now.get(name)!.line)![0], addresses.exec(rows.get(name)!.line)![0], name);
    }
    assert.equal(now.get('fanout-2')!.pid, rows.get('fanout-2')!.pid);
    rows = now;
  });

  test('a fanout can be added, and drained again', async () => {
    const added = await run(['--add', 'fanout']);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stdout, /^fanout-3 is ready\./);
    const { pid, state } = rowsOf(added).get('fanout-3')!;
    assert.ok(isAlive(pid!));
    assert.equal(state, 'ready');
    const removed = await run(['--remove', 'fanout-3']);
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal(rowsOf(removed).get('fanout-3')!.state, 'stopped');
    assert.equal(isAlive(pid!), false);
  });

  test('when the supervisor is killed with -9, everything that it started is gone soon', async () => {
    const pids = pidsOf(rows);
    assert.equal(pids.length, 9); // seven roles, Redis, the supervisor
    process.kill(record().pid, 'SIGKILL');
    await untilGone(pids);
    assert.equal((await run(['--status'])).code, 1);
  });

  test('the next start finds the stale record, and the same secret; --stop ends all and says what', async () => {
    const secret = readFileSync(join(folder, 'fanlog.secret'), 'utf8');
    const started = await run(FEW);
    assert.equal(started.code, 0, started.stdout + started.stderr);
    assert.equal(readFileSync(join(folder, 'fanlog.secret'), 'utf8'), secret);
    const pids = pidsOf(rowsOf(started));
    assert.equal(pids.length, 6);
    const stopped = await run(['--stop']);
    assert.equal(stopped.code, 0);
    for (const name of ['api-1', 'edge-1', 'fanout-1', 'inbox-1', 'redis']) {
      assert.match(stopped.stdout, new RegExp(`^${name} has ended\\.$`, 'm'));
    }
    assert.deepEqual(pids.filter(isAlive), []);
    assert.match((await run(['--stop'])).stdout, /^No cluster runs on /);
  });

  test('in the foreground it stays until Ctrl-C, which ends all', async () => {
    const child = begin([...FEW, '--foreground']);
    const ended = outcomeOf(child);
    let screen = '';
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk: string) => {
        screen += chunk;
        if (screen.includes('Ctrl-C')) resolve();
      });
      child.once('close', () => resolve());
    });
    const pids = pidsOf(rowsOf({ stdout: screen }));
    assert.equal(pids.length, 6, screen);
    child.kill('SIGINT');
    assert.equal((await ended).code, 0);
    assert.deepEqual(pids.filter(isAlive), []);
  });
});
