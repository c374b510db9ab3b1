// The HTTP helper: one shape of answer, never a rejection, and one decision per command however often it is asked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataOf, HttpApi } from '../../../services/client/index.ts';
import { timeOfCommandId } from '../../../services/events/ids.ts';
import { FakeRuntime, settle } from './fake-runtime.ts';
import { DIRECT, SERVER_TIME } from './scripted-server.ts';

interface Asked {
  readonly line: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

type Answer = { readonly status: number; readonly code?: string; readonly data?: unknown } | 'no answer';

function scene(answers: Answer[]) {
  const runtime = new FakeRuntime();
  const asked: Asked[] = [];
  const fetch = async (url: unknown, init: RequestInit = {}) => {
    const line = `${init.method} ${String(url).replace('http://api', '')}`;
    const body = init.body === undefined ? undefined : JSON.parse(String(init.body));
    asked.push({ line, headers: init.headers as Record<string, string>, body });
    const answer = line.endsWith('/v1/time') ? { status: 200, data: { serverTime: SERVER_TIME } } : answers.shift();
    if (answer === undefined || answer === 'no answer') throw new TypeError('fetch failed');
    const { status, code = 'ok', data = null } = answer;
    return new Response(JSON.stringify({ status, code, message: '', data, requestId: 'r1' }), { status });
  };
  const token = () => Promise.resolve('t1');
  const api = new HttpApi({
    baseUrl: 'http://api',
    runtime,
    token,
    appKey: 'k',
    fetch: fetch as typeof globalThis.fetch,
  });
  return { runtime, asked, api };
}

test('an answer has one shape, good or bad', async () => {
  const { api } = scene([
    { status: 201, data: { token: 't' } },
    { status: 401, code: 'wrong_credentials' },
    'no answer',
  ]);
  assert.deepEqual(await api.register('alice', 'secret'), {
    ok: true,
    status: 201,
    code: 'ok',
    message: '',
    data: { token: 't' },
    requestId: 'r1',
    request: 'POST http://api/v1/accounts',
  });
  const { ok, status, code, data } = await api.signIn('alice', 'wrong');
  assert.deepEqual({ ok, status, code, data }, { ok: false, status: 401, code: 'wrong_credentials', data: null });
  const unreachable = await api.signIn('alice', 'secret');
  assert.deepEqual([unreachable.ok, unreachable.status, unreachable.code], [false, 0, 'unreachable']);
});

test('the data of an answer is there, or an error says what was asked and why there is none', async () => {
  const { api } = scene([
    { status: 201, data: { token: 't' } },
    { status: 401, code: 'wrong_credentials' },
    'no answer',
  ]);
  assert.deepEqual(dataOf(await api.signIn('alice', 'secret')), { token: 't' });
  const refused = await api.signIn('alice', 'wrong');
  assert.throws(() => dataOf(refused), {
    name: 'ApiRefused',
    code: 'wrong_credentials',
    status: 401,
    message: 'wrong_credentials:  (POST http://api/v1/sessions)',
  });
  const unreachable = await api.edges();
  assert.throws(() => dataOf(unreachable), {
    code: 'unreachable',
    status: 0,
    message: 'unreachable: TypeError: fetch failed (GET http://api/v1/edges)',
  });
});

test('data of a command that is not decided is no data', async () => {
  const { api, runtime } = scene(Array.from({ length: 100 }, () => ({ status: 202, code: 'undecided', data: {} })));
  const reply = api.createGroup('Tea', []);
  await runtime.pass(80_000);
  const undecided = await reply;
  assert.throws(() => dataOf(undecided), { code: 'undecided' });
});

test('a token goes only where it is needed', async () => {
  const { api, asked } = scene(Array.from({ length: 4 }, () => ({ status: 200 })));
  await api.signIn('alice', 'secret');
  await api.createToken('alice', 60);
  await api.members(DIRECT);
  assert.deepEqual(
    asked.map(({ headers }) => headers.authorization),
    [undefined, undefined, 'Bearer t1'],
  );
  assert.equal(asked[1]?.headers['x-fanlog-app-key'], 'k');
});

test('ids in addresses are escaped', async () => {
  const { api, asked } = scene(Array.from({ length: 2 }, () => ({ status: 200 })));
  await api.history('d:3:a/b3:c?d', { before: 5, limit: 2 });
  assert.equal(asked[0]?.line, 'GET /v1/conversations/d%3A3%3Aa%2Fb3%3Ac%3Fd/events?before=5&limit=2');
});

test('a command is repeated under one key while its outcome is unknown', async () => {
  const undecided = { status: 202, code: 'undecided' };
  const answers: Answer[] = ['no answer', undecided, { status: 503, code: 'log_unavailable' }, { status: 201 }];
  const { api, asked, runtime } = scene(answers);
  const reply = api.createGroup('Tea', ['bob']);
  await runtime.pass(30_000);
  assert.equal((await reply).status, 201);
  const commands = asked.filter(({ line }) => line === 'POST /v1/conversations');
  const keys = new Set(commands.map(({ headers }) => headers['idempotency-key']));
  assert.equal(commands.length, 4);
  assert.equal(keys.size, 1);
  assert.deepEqual(commands[0]?.body, { kind: 'group', title: 'Tea', members: ['bob'] });
});

test('a key is made from the time of the server, which is asked for once', async () => {
  const { api, asked } = scene([{ status: 201 }, { status: 201 }]);
  await api.createGroup('Tea', []);
  await api.leave('g:0');
  assert.equal(timeOfCommandId(asked[1]!.headers['idempotency-key']!), SERVER_TIME);
  assert.deepEqual(
    asked.map(({ line }) => line),
    ['GET /v1/time', 'POST /v1/conversations', 'POST /v1/conversations/g%3A0/leave'],
  );
});

test('a refusal is an answer: it is not repeated', async () => {
  const { api, asked } = scene([{ status: 403, code: 'not_allowed' }]);
  const reply = await api.removeMember('g:0', 'bob', '018bcfe5-6800-7c31-9d5e-0242ac120002');
  assert.equal(reply.code, 'not_allowed');
  assert.deepEqual(
    asked.map(({ line }) => line),
    ['DELETE /v1/conversations/g%3A0/members/bob'],
  );
});

test('a command that stays undecided is given up after a minute', async () => {
  const { api, runtime } = scene(Array.from({ length: 100 }, () => ({ status: 202, code: 'undecided' })));
  const reply = api.createGroup('Tea', []);
  await runtime.pass(80_000);
  const { ok, status } = await reply;
  assert.deepEqual([ok, status], [false, 202]);
});

test('an answer that does not come within 15 s is none', async () => {
  const runtime = new FakeRuntime();
  const fetch = (_url: unknown, init: RequestInit = {}) =>
    new Promise<Response>((_, reject) => {
      init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const api = new HttpApi({ baseUrl: '', runtime, fetch: fetch as typeof globalThis.fetch });
  const reply = api.edges();
  await runtime.pass(16_000);
  assert.equal((await reply).code, 'unreachable');
});

test('a token that does not come within 15 s, or that throws, is no answer', async () => {
  const runtime = new FakeRuntime();
  const fetch = () => assert.fail('asked without a token');
  const hanging = new HttpApi({ baseUrl: '', runtime, token: () => new Promise(() => {}), fetch });
  const reply = hanging.members(DIRECT);
  const ended = reply.then(({ code }) => code);
  await runtime.pass(16_000);
  assert.equal(await Promise.race([ended, settle()]), 'unreachable');
  const throwing = new HttpApi({ baseUrl: '', runtime, token: () => assert.fail('by hand'), fetch });
  assert.equal((await throwing.members(DIRECT)).code, 'unreachable');
});
