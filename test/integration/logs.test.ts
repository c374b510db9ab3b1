// Nothing that people write, and nothing that opens a door, ever stands in the log: looked for in everything that a
// server says at debug level while it is used, misused, and while its parts fail.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { v7 as uuidv7 } from 'uuid';
import WebSocket from 'ws';
import { directConversationId } from '../../services/events/ids.ts';
import { limits } from '../../services/kernel/limits.ts';
import { createLogger } from '../../services/kernel/logger.ts';
import { AppendError } from '../../services/ports/log/event-log.ts';
import { StoreError } from '../../services/ports/store/state-store.ts';
import { SUBPROTOCOL } from '../../services/protocol/frames.ts';
import { startInFolder } from './start-in-folder.ts';

const APP_KEY = 'Kuwe9-application-key-of-the-test-0123456789';
const SECRET = 'Zhaq3-signing-secret-of-the-test-0123456789';
const PASSWORD = 'Pirol-and-heather-7';
const WRONG_PASSWORD = 'Wrong-guess-5521';
const TEXT = 'the treasure lies under the old oak';
const TITLE = 'Gravediggers of Elm Street';
const secrets = [APP_KEY, SECRET, PASSWORD, WRONG_PASSWORD, TEXT, TITLE, 'treasure', 'Gravediggers'];

const lines: string[] = [];
const started = await startInFolder(
  { FANLOG_APP_KEY: APP_KEY, FANLOG_SECRET: SECRET },
  { logger: createLogger('debug', Date.now, (line) => lines.push(line)), command_retry_ms: 200 },
);
const { server } = started;
after(() => started.remove());
await server.whenReady();

interface Frame {
  readonly id?: number;
  readonly type: string;
}

/** A connection whose frames can be waited for. */
async function connect(): Promise<{
  socket: WebSocket;
  say: (frame: object) => Promise<Frame>;
  raw: (text: string) => void;
}> {
  const socket = new WebSocket(server.edgeUrl, SUBPROTOCOL);
  socket.on('error', () => {});
  await once(socket, 'open');
  const say = (frame: object) =>
    new Promise<Frame>((resolve) => {
      const { id } = frame as Frame;
      const listen = (data: WebSocket.RawData) => {
        const reply = JSON.parse(String(data)) as Frame;
        if (reply.id === id) resolve(reply);
      };
      socket.on('message', listen);
      socket.on('close', () => resolve({ type: 'closed' }));
      socket.send(JSON.stringify(frame));
    });
  return { socket, say, raw: (text) => socket.send(text) };
}

const headers = { 'content-type': 'application/json', 'x-fanlog-app-key': APP_KEY };
const post = (path: string, body: unknown, more: Record<string, string> = {}) =>
  fetch(server.apiUrl + path, {
    method: 'POST',
    headers: { ...headers, ...more },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** One method fails once, or as often as is said, in the way that is given; then it is as before. */
function failing<T extends object>(target: T, method: keyof T & string, error: () => Error, times = 1): void {
  const own = target[method] as (...args: never[]) => unknown;
  let left = times;
  target[method] = ((...args: never[]) => {
    if (left-- > 0) return Promise.reject(error());
    return own.apply(target, args);
  }) as T[typeof method];
}

async function said(message: string): Promise<void> {
  for (let i = 0; i < 2_000 && !lines.some((line) => line.includes(message)); i++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(
    lines.some((line) => line.includes(message)),
    `nobody said "${message}"`,
  );
}

test('no text, title, password, token or key is logged, whatever goes right or wrong', async () => {
  // As it should be
  assert.equal((await post('/v1/accounts', { user: 'alice', password: PASSWORD })).status, 201);
  const signedIn = (await (await post('/v1/sessions', { user: 'alice', password: PASSWORD })).json()) as {
    data: { token: string };
  };
  const { token } = signedIn.data;
  secrets.push(token, token.split('.')[2]!);
  const bearer = { authorization: `Bearer ${token}` };
  const group = { kind: 'group', title: TITLE, members: ['bob'] };
  assert.equal((await post('/v1/conversations', group, bearer)).status, 201);
  const alice = await connect();
  assert.equal((await alice.say({ id: 1, type: 'hello', token, device: 'test' })).type, 'welcome');
  const conversationId = directConversationId('alice', 'bob');
  const send = (number: number) =>
    alice.say({ id: 100 + number, type: 'send', number, conversationId, clientMessageId: uuidv7(), payload: TEXT });
  assert.equal((await send(1)).type, 'accepted');

  // Misused
  await post('/v1/sessions', { user: 'alice', password: WRONG_PASSWORD });
  await post('/v1/sessions', `{"user":"alice","password":"${PASSWORD}`);
  await post('/v1/conversations', { ...group, title: TITLE.repeat(50) }, bearer);
  await post('/v1/conversations', TEXT.repeat(5_000), bearer);
  await post(`/v1/nothing?token=${token}&text=${encodeURIComponent(TEXT)}`, group, bearer);
  await fetch(`${server.apiUrl}/v1/conversations`, { headers: { authorization: `Bearer ${token}x` } });
  await fetch(`${server.operationsUrl}/metrics?token=${token}`);
  const stranger = await connect();
  await stranger.say({ id: 1, type: 'hello', token: `${token}x`, device: 'test' });
  for (const wrong of [`{"id":2,"type":"send","payload":"${TEXT}`, TEXT.repeat(limits.frame_bytes_max / 20)]) {
    const mallory = await connect();
    await mallory.say({ id: 1, type: 'hello', token, device: 'other' });
    mallory.raw(wrong);
    await once(mallory.socket, 'close');
  }
  const tooLong = { number: 2, conversationId, clientMessageId: uuidv7(), payload: TEXT.repeat(1_000) };
  await alice.say({ id: 50, type: 'send', ...tooLong });

  // While parts fail
  failing(server.store, 'writeTimeline', () => new StoreError('no answer from the store'), 2);
  failing(server.store, 'writeInbox', () => new StoreError('no answer from the store'), 2);
  assert.equal((await send(3)).type, 'accepted');
  await said('fanout repeats a write');
  await said('inbox repeats a write');
  failing(server.log, 'append', () => new AppendError('unknown', 'the log did not answer'));
  assert.equal((await send(4)).type, 'error');
  await said('an append was not confirmed');
  failing(server.base, 'loadAccount', () => new TypeError('a bug of the test'));
  await post('/v1/sessions', { user: 'alice', password: PASSWORD });
  await said('a request failed');
  failing(server.store, 'readInbox', () => new TypeError('a bug of the test'));
  await alice.say({ id: 60, type: 'sync', cursor: { epoch: 1, inboxSeq: 0 } });
  const again = await connect();
  failing(server.store, 'readInbox', () => new TypeError('a bug of the test'), 2);
  await again.say({ id: 1, type: 'hello', token, device: 'again' });
  await said('a session failed');
  failing(server.store, 'writeTimeline', () => new TypeError('a bug of the test'));
  await server.gateway.submit({
    type: 'SendMessage',
    conversationId,
    sender: 'alice',
    commandId: uuidv7(),
    contentType: 'text/plain',
    keyId: null,
    payload: new TextEncoder().encode(TEXT),
  });
  await said('partition starts again from its checkpoint');
  alice.socket.terminate();
  again.socket.terminate();
  await server.drain();

  const output = lines.join('');
  for (const secret of secrets) {
    assert.ok(!output.includes(secret), `the log holds "${secret.slice(0, 12)}…":\n${lineWith(secret)}`);
    const encoded = Buffer.from(secret).toString('base64').slice(0, -4);
    assert.ok(!output.includes(encoded), `the log holds "${secret.slice(0, 12)}…" in base64`);
  }
});

test('every line is one JSON object that says when, how bad, which role and which node', () => {
  assert.ok(lines.length >= 7);
  const roles = new Set<string>();
  for (const line of lines) {
    assert.ok(line.endsWith('}\n') && line.indexOf('\n') === line.length - 1, line);
    const { time, level, message, role, node } = JSON.parse(line) as Record<string, string>;
    assert.match(time!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.match(level!, /^(debug|info|warn|error)$/);
    assert.ok(message !== undefined && message !== '', line);
    assert.ok(role !== undefined, line);
    if (role !== 'all') assert.match(node!, /^[0-9a-f]{16}$/, line);
    roles.add(role);
  }
  for (const role of ['api', 'edge', 'fanout', 'inbox']) assert.ok(roles.has(role), `no line of ${role}`);
});

function lineWith(text: string): string | undefined {
  return lines.find((line) => line.includes(text));
}
