// A client in another language, written from the protocol page alone, against the real server: nothing lost, doubled or
// out of order although its connection is cut in the middle of a send.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EventBody, HttpApi, systemRuntime } from '../../services/client/node.ts';

const CLIENT = fileURLToPath(new URL('python-client/client.py', import.meta.url));
const MAIN = fileURLToPath(new URL('../../services/main.ts', import.meta.url));
const CONVERSATION = 'd:5:alice3:bob';
const MESSAGES = 60;
const PYTHON_MISSING = 'python3 is missing: install Python 3.8 or newer, the client of this test is written in it';
const START_MS_MAX = 30_000;
const CLIENT_MS_MAX = 120_000;

interface Report {
  readonly sent: readonly { readonly payload: string; readonly attempts: number; readonly id: string }[];
  readonly sequenced: readonly { readonly payload: string; readonly seq: number }[];
  readonly rejected: readonly unknown[];
  readonly entries: readonly { readonly inboxSeq: number; readonly seq: number; readonly payload: string }[];
  readonly connections: number;
}

const data = mkdtempSync(join(tmpdir(), 'fanlog-python-'));
let server: ChildProcess;
let url = '';

before(async () => {
  const env = { ...process.env, PORT: '0', FANLOG_DATA: data, FANLOG_DEMO: 'off', FANLOG_LOG_LEVEL: 'warn' };
  server = spawn(process.execPath, ['--import', 'tsx', MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  url = await untilReady(server);
});

after(async () => {
  if (server.exitCode === null && server.kill('SIGTERM')) await once(server, 'exit');
  rmSync(data, { recursive: true, force: true });
});

test('a client written from the protocol page loses, doubles and reorders nothing when its connection is cut', async () => {
  const alice = await runClient('alice', [
    '--messages',
    String(MESSAGES),
    '--cut-after',
    '30',
    '--entries',
    String(MESSAGES),
  ]);
  const payloads = Array.from({ length: MESSAGES }, (_, i) => `alice ${i}`);
  assert.ok(alice.connections >= 2, 'the connection was cut');
  assert.ok(
    alice.sent.some(({ attempts }) => attempts > 1),
    'something was sent again',
  );
  assert.deepEqual(alice.rejected, []);
  assert.deepEqual(
    alice.sequenced.map(({ payload, seq }) => [seq, payload]),
    payloads.map((payload, i) => [i + 1, payload]),
    'sequenced in the order of sending, without holes',
  );
  assertInbox(alice, payloads);

  // Someone else's inbox, and what is stored, say the same.
  assertInbox(await runClient('bob', ['--entries', String(MESSAGES)]), payloads);
  const stored = await history();
  assert.deepEqual(
    stored.map(({ seq }) => seq),
    payloads.map((_, i) => i + 1),
  );
  assert.deepEqual(
    stored.map((event) => event.clientMessageId),
    alice.sent.map(({ id }) => id),
  );
});

function assertInbox({ entries }: Report, payloads: readonly string[]): void {
  assert.deepEqual(
    entries.map(({ inboxSeq, payload }) => [inboxSeq, payload]),
    payloads.map((payload, i) => [i + 1, payload]),
  );
}

async function history(): Promise<EventBody[]> {
  let token = '';
  const api = new HttpApi({ baseUrl: url, runtime: systemRuntime, token: () => Promise.resolve(token) });
  token = (await api.signIn('bob', 'password of bob')).data?.token ?? '';
  const events: EventBody[] = [];
  for (let more = true; more; ) {
    const { ok, data: page, message } = await api.history(CONVERSATION, { after: events.length, limit: 50 });
    assert.ok(ok && page !== null, message);
    events.push(...page.events);
    more = page.status === 'more';
  }
  return events;
}

/** The address of the api, once the server prints it. */
async function untilReady(child: ChildProcess): Promise<string> {
  let output = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX);
  child.stderr!.on('data', (chunk) => {
    output += chunk;
  });
  try {
    return await new Promise((resolve, reject) => {
      child.stdout!.on('data', (chunk) => {
        output += chunk;
        const found = /page +(http:\/\/\S+)/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.on('exit', (code, signal) => reject(new Error(`the server ended with ${signal ?? code}:\n${output}`)));
      child.on('error', reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

function runClient(user: string, more: readonly string[]): Promise<Report> {
  const who = ['--url', url, '--user', user, '--password', `password of ${user}`, '--conversation', CONVERSATION];
  const child = spawn('python3', [CLIENT, ...who, ...more], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CLIENT_MS_MAX,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? new Error(PYTHON_MISSING) : error);
    });
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`the client ended with ${signal ?? code}: ${errors}`));
    });
  });
}
