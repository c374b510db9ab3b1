// Every route over real HTTP, against the whole embedded profile in this process.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { newCommandId } from '../../services/api/index.ts';
import { directConversationId, isCommandId, isGroupId } from '../../services/events/ids.ts';
import { errorCatalogue } from '../../services/kernel/errors.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import type { EmbeddedOptions, EmbeddedServer } from '../../services/profiles/embedded.ts';
import { startInFolder } from './start-in-folder.ts';

// biome-ignore lint/suspicious/noExplicitAny: replies are looked into freely here.
type Data = any;

interface Answer {
  status: number;
  code: string;
  message: string;
  data: Data;
  requestId: string;
  headers: Headers;
}

const APP_KEY = 'the key of the application, 32 bytes';
const WITH_KEY = { 'x-fanlog-app-key': APP_KEY };

async function call(
  server: EmbeddedServer,
  method: string,
  path: string,
  options: { as?: string; body?: unknown; headers?: Record<string, string>; raw?: string } = {},
): Promise<Answer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.as !== undefined) headers.authorization = `Bearer ${(await server.tokens.issue(options.as)).token}`;
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  const response = await fetch(server.apiUrl + path, { method, headers, ...(body === undefined ? {} : { body }) });
  const answer = (await response.json()) as Answer;
  // The one shape, whatever was asked.
  assert.deepEqual(Object.keys(answer), ['status', 'code', 'message', 'data', 'requestId'], path);
  assert.equal(answer.status, response.status);
  assert.match(answer.requestId, /^[0-9a-f]{16}$/);
  assert.doesNotMatch(JSON.stringify(answer), /node_modules|services\/|\.ts:/, 'a stack trace got out');
  if (answer.code !== 'ok') {
    const entry = errorCatalogue[answer.code as keyof typeof errorCatalogue];
    assert.equal(entry.status, answer.status);
    assert.equal(response.headers.get('retry-after'), entry.retry ? '1' : null);
  }
  return { ...answer, headers: response.headers };
}

const idOf = (conversationId: string) => `/v1/conversations/${encodeURIComponent(conversationId)}`;

function withServer(options: EmbeddedOptions, env: Record<string, string>): () => EmbeddedServer {
  let started: Awaited<ReturnType<typeof startInFolder>>;
  before(async () => {
    started = await startInFolder(env, options);
  });
  after(() => started.remove());
  return () => started.server;
}

describe('the api', () => {
  const server = withServer({}, { FANLOG_APP_KEY: APP_KEY });
  before(() => server().whenReady());
  const get = (path: string, as?: string) => call(server(), 'GET', path, as === undefined ? {} : { as });
  const post = (path: string, body: unknown, as?: string, headers: Record<string, string> = {}) =>
    call(server(), 'POST', path, { body, headers, ...(as === undefined ? {} : { as }) });

  async function createGroup(creator: string, ...members: string[]): Promise<string> {
    const { status, data } = await post('/v1/conversations', { kind: 'group', title: 'Friends', members }, creator);
    assert.equal(status, 201);
    return data.conversationId;
  }

  /** Entries that processors have yet to write are asked for again, as any client does. */
  async function until<T>(ask: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
    for (let i = 0; i < 1_000; i++) {
      const value = await ask();
      if (isThere(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('it did not come');
  }

  describe('about itself', () => {
    test('lives, and is ready once a message would come through', async () => {
      assert.equal((await get('/livez')).status, 200);
      assert.equal((await get('/readyz')).status, 200);
    });

    test('tells its time', async () => {
      const { data } = await get('/v1/time');
      assert.ok(Math.abs(data.serverTime - Date.now()) < 60_000);
    });

    test('tells where the edge is, under the name the client used', async () => {
      const { data } = await get('/v1/edges');
      assert.deepEqual(data.edges, [server().edgeUrl]);
      assert.ok(Number.isSafeInteger(data.serverTime));
      const port = new URL(server().edgeUrl).port;
      for (const [host, edge] of [
        ['chat.example:1', 'chat.example'],
        ['[::1]:1', '[::1]'],
        ['not a host', 'localhost'],
        ['evil"x', 'localhost'],
        ['a@b.example', 'localhost'],
        ['a.example/x', 'localhost'],
        ['[::1', 'localhost'],
      ]) {
        const body = await getWithHost(server().apiUrl, '/v1/edges', host!);
        assert.deepEqual(JSON.parse(body).data.edges, [`ws://${edge}:${port}/v1`]);
      }
    });

    test('serves the schemas as a registry, in the registry’s own form also of mistakes', async () => {
      const ask = (path: string, init?: RequestInit) => fetch(`${server().apiUrl}/registry${path}`, init);
      assert.ok(((await (await ask('/subjects')).json()) as Data).includes('fanlog.v1.MessageSent'));
      const found = await ask('/schemas/ids/8');
      assert.equal(found.headers.get('content-type'), 'application/vnd.schemaregistry.v1+json');
      assert.equal(JSON.parse(((await found.json()) as Data).schema).name, 'MessageSent');
      const [missing, written, odd] = await Promise.all([
        ask('/schemas/ids/99'),
        ask('/config', { method: 'PUT', body: '{}', headers: { 'content-type': 'application/json' } }),
        ask('/subjects/%zz/versions'),
      ]);
      assert.deepEqual([missing.status, ((await missing.json()) as Data).error_code], [404, 40403]);
      assert.deepEqual([written.status, ((await written.json()) as Data).error_code], [422, 42205]);
      // Before there is a route to refuse it, an address that cannot be read is refused as everywhere else.
      assert.deepEqual([odd.status, ((await odd.json()) as Data).code], [400, 'invalid_field']);
    });

    test('describes every route in OpenAPI', async () => {
      const response = await fetch(`${server().apiUrl}/v1/openapi.json`);
      const document = (await response.json()) as Data;
      assert.equal(document.openapi, '3.1.0');
      assert.deepEqual(Object.keys(document.paths['/v1/conversations/{id}/members']), ['get', 'post']);
      const send = document.paths['/v1/conversations/{id}/messages'].post;
      assert.deepEqual(
        send.parameters.map(({ name }: { name: string }) => name),
        ['id', 'idempotency-key'],
      );
      assert.deepEqual(send.requestBody.content['application/json'].schema.required, ['payload']);
      assert.deepEqual(send.security, [{ token: [] }]);
      const kinds = document.paths['/v1/conversations'].post.requestBody.content['application/json'].schema.oneOf;
      assert.deepEqual(
        kinds.map(({ required }: { required: string[] }) => required),
        [
          ['kind', 'title'],
          ['kind', 'user'],
        ],
      );
      for (const [path, operations] of Object.entries<Data>(document.paths)) {
        for (const { responses } of Object.values<Data>(operations)) {
          const good = Object.keys(responses).filter((status) => /^2/.test(status));
          assert.ok(good.length > 0, path);
          for (const status of good) {
            const content = responses[status].content['application/json'];
            // What is read by programs of others has their media type, and their form.
            if (content === undefined) continue;
            const [, { properties }] = content.schema.allOf;
            assert.ok('data' in properties, path);
          }
        }
      }
      const lookUp = document.paths['/registry/subjects/{subject}'].post;
      assert.deepEqual(Object.keys(lookUp.responses), ['200', '404', '422']);
      assert.deepEqual(Object.keys(lookUp.responses[200].content), ['application/vnd.schemaregistry.v1+json']);
      assert.deepEqual(Object.keys(send.responses), [
        '200',
        '201',
        '202',
        '400',
        '401',
        '403',
        '404',
        '409',
        '413',
        '503',
        'default',
      ]);
    });
  });

  describe('accounts', () => {
    test('are made once, sign in, and their token works', async () => {
      const account = { user: 'dora', password: 'dora’s password' };
      const made = await post('/v1/accounts', account, undefined, WITH_KEY);
      assert.equal(made.status, 201);
      assert.equal(made.data.user, 'dora');
      assert.equal((await post('/v1/accounts', account, undefined, WITH_KEY)).code, 'user_exists');
      const { status, data } = await post('/v1/sessions', account);
      assert.equal(status, 201);
      assert.ok(data.expiresAt > Date.now() + 3_500_000);
      for (const token of [made.data.token, data.token]) {
        const mine = await call(server(), 'GET', '/v1/conversations', {
          headers: { authorization: `Bearer ${token}` },
        });
        assert.deepEqual(mine.data, { conversations: [], status: 'end' });
      }
    });

    test('are made only with the application’s key where there is one, or names could be taken from its users', async () => {
      const account = { user: 'victim', password: 'the attacker’s own' };
      assert.equal((await post('/v1/accounts', account)).code, 'not_permitted');
      assert.equal((await post('/v1/sessions', account)).code, 'wrong_credentials');
    });

    test('refuse a wrong password and an unknown user with the same words', async () => {
      await post('/v1/accounts', { user: 'emil', password: 'the right one' }, undefined, WITH_KEY);
      const wrong = await post('/v1/sessions', { user: 'emil', password: 'the wrong one' });
      const unknown = await post('/v1/sessions', { user: 'nobody', password: 'the wrong one' });
      assert.deepEqual([wrong.status, wrong.code, wrong.message], [401, 'wrong_credentials', unknown.message]);
      assert.equal(unknown.code, 'wrong_credentials');
    });

    test('refuse what cannot be a user or a password, and say which field', async () => {
      for (const body of [
        {},
        [],
        null,
        'text',
        { user: '', password: 'long enough' },
        { user: 'x'.repeat(65), password: 'long enough' },
        { user: 'line\nbreak', password: 'long enough' },
        { user: '\ud800', password: 'long enough' },
        { user: 7, password: 'long enough' },
        { user: 'short', password: '1234567' },
        { user: 'more', password: 'long enough', admin: true },
      ]) {
        const { status, code, message } = await post('/v1/accounts', body);
        assert.deepEqual([status, code], [400, 'invalid_field'], JSON.stringify(body));
        assert.match(message, /^(body|user|password|admin): [^/]+\. Correct it and send again\.$/);
      }
      assert.match(
        (await post('/v1/accounts', { user: 'f', password: 'no' })).message,
        /^password: must have at least 8/,
      );
      for (const [body, message] of [
        [{ user: 'f', password: 7 }, 'password: must be a string'],
        [{ user: 'f' }, 'password: is missing'],
        [{ user: '', password: 'long enough' }, 'user: must be 1 to 64 bytes of UTF-8 without control characters'],
        ['text', 'body: must be a JSON object'],
      ] as const) {
        assert.equal((await post('/v1/accounts', body)).message, `${message}. Correct it and send again.`);
      }
    });

    test('take no more than 10 wrong passwords in a row for a user, be there one or not', async () => {
      await post('/v1/accounts', { user: 'frida', password: 'the right one' });
      for (const user of ['frida', 'nobody at all']) {
        const codes: string[] = [];
        for (let i = 0; i < 12; i++) {
          codes.push((await post('/v1/sessions', { user, password: `guess ${i}` })).code);
        }
        // Hashing takes its time: now and then another one has become free.
        assert.ok(
          codes.slice(0, 10).every((code) => code === 'wrong_credentials'),
          codes.join(),
        );
        assert.ok(codes.slice(10).includes('too_many_requests'), codes.join());
      }
    });
  });

  describe('tokens of the application', () => {
    test('are made with the application’s key, and speak for users that nobody made before', async () => {
      const key = { 'x-fanlog-app-key': APP_KEY };
      const { status, data } = await post('/v1/tokens', { user: 'guest', ttl_s: 120 }, undefined, key);
      assert.equal(status, 201);
      assert.ok(data.expiresAt < Date.now() + 121_000);
      const headers = { authorization: `Bearer ${data.token}` };
      assert.equal((await call(server(), 'GET', '/v1/conversations', { headers })).status, 200);
    });

    test('take the name: nobody can register it afterwards', async () => {
      const { token } = await server().tokens.issue('minted', 'app'); // by the application's backend itself
      const headers = { authorization: `Bearer ${token}` };
      await call(server(), 'GET', '/v1/conversations', { headers });
      const taken = { user: 'minted', password: 'long enough' };
      assert.equal((await post('/v1/accounts', taken, undefined, WITH_KEY)).code, 'user_exists');
      assert.equal((await post('/v1/sessions', { user: 'minted', password: 'long enough' })).code, 'wrong_credentials');
    });

    test('are refused without the key, or with a wrong one', async () => {
      assert.equal((await post('/v1/tokens', { user: 'x' })).code, 'not_permitted');
      const wrong = { 'x-fanlog-app-key': `${APP_KEY}.` };
      assert.equal((await post('/v1/tokens', { user: 'x' }, undefined, wrong)).status, 403);
    });

    test('live between a minute and a day', async () => {
      const key = { 'x-fanlog-app-key': APP_KEY };
      for (const ttl_s of [59, 86_401, 90.5, '120']) {
        assert.equal((await post('/v1/tokens', { user: 'x', ttl_s }, undefined, key)).code, 'invalid_field');
      }
    });
  });

  describe('without a good token', () => {
    test('no conversation is shown or changed', async () => {
      const id = idOf(await createGroup('alice'));
      for (const [method, path] of [
        ['GET', '/v1/conversations'],
        ['POST', '/v1/conversations'],
        ['GET', id],
        ['GET', `${id}/events`],
        ['GET', `${id}/members`],
        ['POST', `${id}/members`],
        ['DELETE', `${id}/members/alice`],
        ['POST', `${id}/leave`],
        ['POST', `${id}/messages`],
      ] as const) {
        for (const authorization of ['', 'Bearer x.y.z', 'Basic YTpi']) {
          const { status, code } = await call(server(), method, path, { headers: { authorization } });
          assert.deepEqual([status, code], [401, 'unauthenticated'], `${method} ${path} ${authorization}`);
        }
      }
    });
  });

  describe('a group', () => {
    test('is made with its members, and everyone sees it', async () => {
      const body = { kind: 'group', title: 'Friends', members: ['bob', 'bob', 'alice'] };
      const { status, data } = await post('/v1/conversations', body, 'alice');
      assert.equal(status, 201);
      assert.ok(isGroupId(data.conversationId) && isCommandId(data.commandId));
      assert.deepEqual([data.result, data.seq, data.repeat], ['sequenced', 1, false]);
      const { conversationId, kind, title, seq, role, joinedSeq, leftSeq } = data.conversation;
      assert.deepEqual([conversationId, kind, title, seq], [data.conversationId, 'group', 'Friends', 1]);
      assert.deepEqual([role, joinedSeq, leftSeq], ['owner', 1, null]);
      assert.equal((await get(idOf(conversationId), 'bob')).data.role, 'member');
      const mine = await until(
        () => get('/v1/conversations', 'bob'),
        ({ data: found }) => found.conversations.some((c: Data) => c.conversationId === conversationId),
      );
      assert.equal(mine.data.status, 'end');
      const members = await get(`${idOf(conversationId)}/members`, 'bob');
      assert.deepEqual(members.data.members, [
        { user: 'alice', role: 'owner', joinedSeq: 1 },
        { user: 'bob', role: 'member', joinedSeq: 1 },
      ]);
    });

    test('is made once, however often the request is repeated', async () => {
      const key = { 'idempotency-key': newCommandId(systemRuntime) };
      const body = { kind: 'group', title: 'Once', members: ['bob'] };
      const first = await post('/v1/conversations', body, 'alice', key);
      const second = await post('/v1/conversations', body, 'alice', key);
      assert.deepEqual([first.status, second.status], [201, 200]);
      assert.deepEqual([first.data.repeat, second.data.repeat], [false, true]);
      assert.equal(first.data.conversationId, second.data.conversationId);
      assert.equal(second.data.seq, 1);
      const other = await post('/v1/conversations', body, 'bob', key);
      assert.notEqual(other.data.conversationId, first.data.conversationId);
    });

    test('gets, loses and keeps members as its owner says', async () => {
      const id = idOf(await createGroup('alice', 'bob'));
      const joined = await post(`${id}/members`, { members: ['carol', 'carol', 'bob'] }, 'alice');
      assert.deepEqual([joined.status, joined.data.seq], [201, 2]);
      assert.equal(joined.data.conversation.seq, 2);
      const again = await post(`${id}/members`, { members: ['carol'] }, 'alice');
      assert.deepEqual([again.status, again.data.result], [200, 'unchanged']);
      assert.equal((await post(`${id}/members`, { members: ['dora'] }, 'bob')).code, 'not_allowed');
      assert.equal((await post(`${id}/members`, { members: ['dora'] }, 'mallory')).code, 'not_a_member');
      assert.equal((await call(server(), 'DELETE', `${id}/members/bob`, { as: 'alice' })).data.seq, 3);
      const removedAgain = await call(server(), 'DELETE', `${id}/members/bob`, { as: 'alice' });
      assert.deepEqual([removedAgain.status, removedAgain.data.result], [200, 'unchanged']);
      assert.equal((await get(`${id}/members`, 'bob')).code, 'not_a_member');
      assert.equal((await call(server(), 'POST', `${id}/leave`, { as: 'alice' })).data.seq, 4);
      const { data } = await get(`${id}/members`, 'carol');
      assert.deepEqual(data.members, [{ user: 'carol', role: 'owner', joinedSeq: 2 }]);
    });

    test('has members whose names need escaping', async () => {
      const odd = 'a/b?c#%20 ü🦊';
      const id = idOf(await createGroup('alice', odd));
      assert.equal((await get(`${id}/members`, odd)).data.members.length, 2);
      const path = `${id}/members/${encodeURIComponent(odd)}`;
      assert.equal((await call(server(), 'DELETE', path, { as: 'alice' })).status, 201);
    });

    test('is refused without a title, with an illegal one or with illegal members', async () => {
      for (const changes of [
        { title: undefined },
        { title: '' },
        { title: 'x'.repeat(257) },
        { title: 'a\u0007b' },
        { members: [''] },
        { members: 'bob' },
        { members: Array.from({ length: 501 }, (_, i) => `u${i}`) },
        { kind: 'channel' },
        { kind: undefined },
        { user: 'bob' },
        { unknown: 1 },
      ]) {
        const body = { kind: 'group', title: 'Good', members: ['bob'], ...changes };
        const { code } = await post('/v1/conversations', body, 'alice');
        assert.equal(code, 'invalid_field', JSON.stringify(changes).slice(0, 80));
      }
      const members = Array.from({ length: 500 }, (_, i) => `user ${i}`);
      assert.equal((await post('/v1/conversations', { kind: 'group', title: 'Full', members }, 'alice')).status, 409);
    });

    test('that does not exist is not found, by whatever route', async () => {
      const id = idOf(`g:${'0'.repeat(32)}`);
      for (const path of [id, `${id}/events`, `${id}/members`]) {
        assert.equal((await get(path, 'alice')).code, 'conversation_not_found', path);
      }
      assert.equal((await post(`${id}/messages`, { payload: 'x' }, 'alice')).code, 'conversation_not_found');
      for (const wrong of ['x', 'g:123', 'd:1:a', `g:${'G'.repeat(32)}`]) {
        assert.equal((await get(idOf(wrong), 'alice')).code, 'invalid_field', wrong);
      }
    });
  });

  describe('a direct conversation', () => {
    test('has an id before it has anything else', async () => {
      const { status, data } = await post('/v1/conversations', { kind: 'direct', user: 'bob' }, 'alice');
      assert.equal(status, 200);
      assert.equal(data.conversationId, directConversationId('alice', 'bob'));
      assert.equal((await post('/v1/conversations', { kind: 'direct' }, 'alice')).code, 'invalid_field');
      assert.deepEqual((await get(`${idOf(data.conversationId)}/events`, 'bob')).data, { events: [], status: 'end' });
      assert.equal((await get(`${idOf(data.conversationId)}/events`, 'mallory')).code, 'not_a_member');
    });

    test('cannot get members', async () => {
      const id = idOf(directConversationId('alice', 'bob'));
      assert.equal((await post(`${id}/members`, { members: ['carol'] }, 'alice')).code, 'wrong_kind');
    });
  });

  describe('a message over HTTP', () => {
    test('answers with its seq, and stands in the history', async () => {
      const id = idOf(directConversationId('greta', 'hans'));
      const sent = await post(`${id}/messages`, { payload: 'hello 🦊', contentType: 'text/x-test' }, 'greta');
      assert.deepEqual([sent.status, sent.data.seq, sent.data.repeat], [201, 1, false]);
      const { data } = await get(`${id}/events?after=0`, 'hans');
      assert.deepEqual(data, {
        events: [
          {
            conversationId: sent.data.conversationId,
            seq: 1,
            ordinal: 1,
            sender: 'greta',
            clientMessageId: sent.data.commandId,
            time: sent.data.time,
            kind: 'message',
            contentType: 'text/x-test',
            payload: 'hello 🦊',
          },
        ],
        status: 'end',
      });
    });

    test('repeated under its key is the same message', async () => {
      const id = idOf(directConversationId('ida', 'jan'));
      const key = { 'idempotency-key': newCommandId(systemRuntime) };
      const answers = await Promise.all([1, 2, 3].map(() => post(`${id}/messages`, { payload: 'once' }, 'ida', key)));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 201]);
      for (const { data } of answers) assert.equal(data.seq, 1);
      assert.equal((await get(`${id}/events?after=0`, 'jan')).data.events.length, 1);
    });

    test('under an id from the future or from long ago is refused', async () => {
      const id = idOf(directConversationId('ida', 'jan'));
      for (const [shift_ms, code] of [
        [120_000, 'clock'],
        [-700_000, 'too_old'],
      ] as const) {
        const shifted = { ...systemRuntime, now: () => systemRuntime.now() + shift_ms };
        const key = { 'idempotency-key': newCommandId(shifted) };
        assert.equal((await post(`${id}/messages`, { payload: 'x' }, 'ida', key)).code, code);
      }
    });

    test('from someone who is not in the conversation is refused', async () => {
      const group = idOf(await createGroup('alice'));
      assert.equal((await post(`${group}/messages`, { payload: 'x' }, 'mallory')).code, 'not_a_member');
      const direct = idOf(directConversationId('alice', 'bob'));
      assert.equal((await post(`${direct}/messages`, { payload: 'x' }, 'mallory')).code, 'not_a_member');
    });

    test('is bounded in size, and its key must be a UUIDv7', async () => {
      const id = idOf(directConversationId('ida', 'jan'));
      const send = (payload: unknown) => post(`${id}/messages`, { payload }, 'ida');
      assert.equal((await send('x'.repeat(16 * 1024))).status, 201);
      assert.equal((await send('x'.repeat(16 * 1024 + 1))).code, 'payload_too_large');
      assert.equal((await send('ü'.repeat(8 * 1024 + 1))).code, 'payload_too_large');
      assert.equal((await send('\ud800')).code, 'invalid_field');
      assert.equal((await send(7)).code, 'invalid_field');
      for (const key of ['1', '0B1F8C1E-0000-7000-8000-000000000000', '01890000-0000-4000-8000-000000000001']) {
        const { code } = await post(`${id}/messages`, { payload: 'x' }, 'ida', { 'idempotency-key': key });
        assert.equal(code, 'invalid_field', key);
      }
    });
  });

  describe('history', () => {
    test('comes in pages, in the order asked for', async () => {
      const id = idOf(directConversationId('kai', 'lea'));
      for (let i = 1; i <= 5; i++) await post(`${id}/messages`, { payload: `${i}` }, 'kai');
      const page = async (query: string) => {
        const { data } = await get(`${id}/events?${query}`, 'lea');
        return [data.events.map(({ seq }: { seq: number }) => seq), data.status];
      };
      assert.deepEqual(await page('after=1&limit=2'), [[2, 3], 'more']);
      assert.deepEqual(await page('after=3'), [[4, 5], 'end']);
      assert.deepEqual(await page('before=4&limit=2'), [[3, 2], 'more']);
      assert.deepEqual(await page('limit=1'), [[5], 'more']);
      for (const query of ['before=1&after=1', 'before=x', 'after=-1', 'limit=1.5', 'unknown=1']) {
        assert.equal((await get(`${id}/events?${query}`, 'lea')).code, 'invalid_field', query);
      }
    });

    test('ends for someone who was removed with their removal', async () => {
      const id = idOf(await createGroup('alice', 'bob'));
      await post(`${id}/messages`, { payload: 'for bob too' }, 'alice');
      await call(server(), 'DELETE', `${id}/members/bob`, { as: 'alice' });
      await post(`${id}/messages`, { payload: 'not for bob' }, 'alice');
      const { data } = await get(`${id}/events?after=0`, 'bob');
      assert.deepEqual(
        data.events.map(({ kind }: { kind: string }) => kind),
        ['created', 'message', 'removed'],
      );
      assert.equal(data.status, 'end');
      assert.equal((await post(`${id}/messages`, { payload: 'still here' }, 'bob')).code, 'not_a_member');
    });
  });

  describe('what is not a request of ours', () => {
    test('is answered in the same shape', async () => {
      const cases = [
        ['GET', '/v1/nothing', {}, 'not_found'],
        ['PUT', '/v1/accounts', { body: {} }, 'method_not_allowed'],
        ['GET', '/v1/accounts?x=1', {}, 'method_not_allowed'],
        ['DELETE', '/v1/conversations/x', {}, 'method_not_allowed'],
        ['POST', '/v1/conversations/x/nothing', { body: {} }, 'not_found'],
        ['GET', '/%', {}, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: '{"user":' }, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: '', headers: { 'content-type': 'application/json' } }, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: 'a=b', headers: { 'content-type': 'text/plain' } }, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: '{"__proto__":{"user":"x"},"password":"12345678"}' }, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: '['.repeat(60_000) }, 'invalid_field'],
        ['POST', '/v1/accounts', { raw: `"${'x'.repeat(70_000)}"` }, 'payload_too_large'],
      ] as const;
      for (const [method, path, options, code] of cases) {
        assert.equal((await call(server(), method, path, options)).code, code, `${method} ${path}`);
      }
    });

    test('names the methods of an address, and what is wrong with one', async () => {
      const { headers } = await call(server(), 'PUT', '/v1/conversations', { body: {} });
      assert.deepEqual(headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'POST']);
      assert.match((await get('/%')).message, /^path: is not valid percent-encoding/);
      assert.match((await get('/v1/conversations?after=x', 'kai')).message, /^after: must be the id of a conversation/);
      assert.match((await get('/v1/conversations?limit=x', 'kai')).message, /^limit: must be a whole number/);
    });

    test('that leaves the folder of the page is not found', async () => {
      const { hostname, port } = new URL(server().apiUrl);
      for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd']) {
        const body = await getWithHost(server().apiUrl, path, `${hostname}:${port}`);
        assert.equal(JSON.parse(body).code, 'not_found', path);
      }
    });

    test('of another origin is let in by its token, not by a cookie', async () => {
      const preflight = await fetch(`${server().apiUrl}/v1/conversations`, { method: 'OPTIONS' });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
      assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /authorization.*idempotency-key/);
      assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
      const { headers } = await get('/v1/nothing');
      assert.equal(headers.get('access-control-allow-origin'), '*');
    });
  });
});

describe('when nobody decides commands', () => {
  const server = withServer({ processors: false, command_retry_ms: 20, command_deadline_ms: 200 }, {});

  test('a command is answered 202 with its id, was appended more than once, and the service is not ready', async () => {
    const id = idOf(directConversationId('alice', 'bob'));
    const answer = await call(server(), 'POST', `${id}/messages`, { as: 'alice', body: { payload: 'x' } });
    assert.deepEqual([answer.status, answer.code], [202, 'undecided']);
    assert.ok(isCommandId(answer.data.idempotencyKey));
    const ends = await Promise.all([0, 1, 2, 3].map((partition) => server().log.endOffset('messages', partition)));
    const canaries = 4;
    assert.ok(ends.reduce((sum, end) => sum + end, 0) >= canaries + 2);
    assert.equal((await call(server(), 'GET', '/livez')).status, 200);
    assert.equal((await call(server(), 'GET', '/readyz')).code, 'not_ready');
  });

  test('tokens of the application are refused while no key is set', async () => {
    const headers = { 'x-fanlog-app-key': '' };
    const answer = await call(server(), 'POST', '/v1/tokens', { body: { user: 'x' }, headers });
    assert.equal(answer.code, 'not_permitted');
  });
});

describe('a server that goes down', () => {
  const server = withServer({}, {});

  test('is unready first, still answers, and then closes its port', async () => {
    await server().whenReady();
    const { apiUrl } = server();
    await server().drain();
    assert.equal((await call(server(), 'GET', '/readyz')).code, 'draining');
    assert.equal((await call(server(), 'GET', '/livez')).status, 200);
    await server().stop();
    await assert.rejects(fetch(apiUrl));
  });
});

/** fetch does not let one choose the Host header. */
function getWithHost(url: string, path: string, host: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, headers: { host } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
}
