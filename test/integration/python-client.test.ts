// A client in another language, written from the protocol page alone, against the real server: nothing lost, doubled or
// out of order although its connection is cut in the middle of a send.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type EventBody, HttpApi, systemRuntime } from '../../services/client/node.ts';
import { runPython } from '../python/run-python.ts';
import { type FanlogProcess, startProcess } from './start-process.ts';

const CLIENT = fileURLToPath(new URL('python-client/client.py', import.meta.url));
const CONVERSATION = 'd:5:alice3:bob';
const MESSAGES = 60;
const CLIENT_MS_MAX = 120_000;

interface Report {
  readonly sent: readonly { readonly payload: string; readonly attempts: number; readonly id: string }[];
  readonly sequenced: readonly { readonly payload: string; readonly seq: number }[];
  readonly rejected: readonly unknown[];
  readonly entries: readonly { readonly inboxSeq: number; readonly seq: number; readonly payload: string }[];
  readonly connections: number;
}

const data = mkdtempSync(join(tmpdir(), 'fanlog-python-'));
let server: FanlogProcess;

before(async () => {
  server = await startProcess({ FANLOG_DATA: data });
});

after(async () => {
  await server?.stop();
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
  const api = new HttpApi({ baseUrl: server.apiUrl, runtime: systemRuntime, token: () => Promise.resolve(token) });
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

async function runClient(user: string, more: readonly string[]): Promise<Report> {
  const who = ['--url', server.apiUrl, '--user', user, '--password', `password of ${user}`];
  const output = await runPython('python3', [CLIENT, ...who, '--conversation', CONVERSATION, ...more], CLIENT_MS_MAX);
  return JSON.parse(output);
}
