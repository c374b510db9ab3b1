// The registry as Confluent's clients see it: statuses, codes and shapes are those of its documentation.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import Fastify from 'fastify';
import { registryRoutes } from '../../../services/api/routes-registry.ts';
import { readSchemaFiles, type SchemaFile } from '../../../services/events/schema-files.ts';
import { SchemaSubjects } from '../../../services/events/schema-subjects.ts';
import { createLogger, silentLogger } from '../../../services/kernel/logger.ts';

// biome-ignore lint/suspicious/noExplicitAny: replies are looked into freely here.
type Body = any;

// Whatever versions there will be: a registry of the first ones.
const files = readSchemaFiles().filter(({ version }) => version === 1);
const sent = files.find(({ name }) => name === 'MessageSent')!;
const SUBJECT = 'fanlog.v1.MessageSent';
const registered = { subject: SUBJECT, version: 1, id: sent.id, schema: JSON.stringify(JSON.parse(sent.text)) };

/** A second version, which has got a field. */
const grown = JSON.parse(sent.text) as { fields: object[] };
grown.fields.splice(-1, 0, { name: 'lang', type: ['null', 'string'], default: null, doc: 'Language of the text.' });
const second: SchemaFile = {
  ...sent,
  id: 999,
  version: 2,
  text: JSON.stringify(grown),
  fingerprint: '1d3f',
};

function serve(subjects: SchemaSubjects) {
  const app = Fastify({ bodyLimit: 64 * 1024 });
  registryRoutes(app, silentLogger, subjects);
  after(() => app.close());
  return async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, type?: string) => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { 'content-type': type ?? 'application/vnd.schemaregistry.v1+json' };
    const response = await app.inject({
      method,
      url: `/registry${path}`,
      ...(body === undefined ? {} : { payload, headers }),
    });
    assert.equal(response.headers['content-type'], 'application/vnd.schemaregistry.v1+json', path);
    return { status: response.statusCode, body: response.json() as Body };
  };
}

const ask = serve(new SchemaSubjects(files));
const askTwo = serve(new SchemaSubjects([...files, second]));

test('subjects are the full names of the records', async () => {
  const { status, body } = await ask('GET', '/subjects');
  assert.equal(status, 200);
  assert.deepEqual(body, files.map(({ name }) => `fanlog.v1.${name}`).sort());
  assert.deepEqual((await ask('GET', '/subjects?subjectPrefix=fanlog.v1.Member')).body, [
    'fanlog.v1.MemberLeft',
    'fanlog.v1.MemberRemoved',
    'fanlog.v1.MembersAdded',
  ]);
  // As the Python client asks for all of them, and for a page.
  assert.deepEqual((await ask('GET', '/subjects?deleted=false&deleted_only=false&offset=0&limit=-1')).body, body);
  assert.deepEqual((await ask('GET', '/subjects?offset=2&limit=3')).body, body.slice(2, 5));
});

test('a version is found by its number, and as the latest', async () => {
  assert.deepEqual((await ask('GET', `/subjects/${SUBJECT}/versions`)).body, [1]);
  for (const version of ['1', 'latest', '-1']) {
    assert.deepEqual(await ask('GET', `/subjects/${SUBJECT}/versions/${version}`), { status: 200, body: registered });
  }
  assert.deepEqual((await ask('GET', `/subjects/${SUBJECT}/versions/1/schema`)).body, JSON.parse(sent.text));
  assert.deepEqual((await ask('GET', `/subjects/${SUBJECT}/versions/1/referencedby`)).body, []);
});

test('of two versions the newer is the latest, and each keeps its id', async () => {
  assert.deepEqual((await askTwo('GET', `/subjects/${SUBJECT}/versions`)).body, [1, 2]);
  assert.equal((await askTwo('GET', `/subjects/${SUBJECT}/versions/latest`)).body.id, 999);
  assert.equal((await askTwo('GET', `/subjects/${SUBJECT}/versions/1`)).body.id, sent.id);
  assert.deepEqual((await askTwo('GET', '/schemas/ids/999/versions')).body, [{ subject: SUBJECT, version: 2 }]);
});

test('a schema is found by the id of a record’s framing, whatever subject the asker thinks it has', async () => {
  const path = `/schemas/ids/${sent.id}`;
  for (const query of ['', '?subject=timeline.g1-value', '?fetchMaxId=false']) {
    assert.deepEqual(await ask('GET', path + query), { status: 200, body: { schema: registered.schema } });
  }
  assert.deepEqual((await ask('GET', `${path}/schema`)).body, JSON.parse(sent.text));
  assert.deepEqual((await ask('GET', `${path}/subjects`)).body, [SUBJECT]);
  assert.deepEqual((await ask('GET', `${path}/versions`)).body, [{ subject: SUBJECT, version: 1 }]);
});

test('every id is served, with its file', async () => {
  const { body } = await ask('GET', '/schemas');
  assert.deepEqual(
    body.map(({ id }: Body) => id),
    files.map(({ id }) => id),
  );
  for (const { id, text } of files) {
    assert.deepEqual(JSON.parse((await ask('GET', `/schemas/ids/${id}`)).body.schema), JSON.parse(text));
  }
});

test('a schema is looked up by the bytes it writes, however it is written down', async () => {
  const withoutDocs = JSON.parse(sent.text, (key, value) => (key === 'doc' ? undefined : value)) as object;
  const [first, ...others] = Object.entries(withoutDocs);
  for (const schema of [
    sent.text,
    JSON.stringify(withoutDocs),
    JSON.stringify(Object.fromEntries([...others, first!])),
  ]) {
    for (const more of [{}, { schemaType: 'AVRO', references: [] }]) {
      const found = await ask('POST', `/subjects/${SUBJECT}?normalize=false&deleted=false`, { schema, ...more });
      assert.deepEqual(found, { status: 200, body: registered });
    }
  }
});

test('what is not there is told in the registry’s own codes', async () => {
  const other = files.find(({ name }) => name === 'MemberLeft')!;
  const tooDeep = `${'['.repeat(5_000)}"int"${']'.repeat(5_000)}`;
  for (const [method, path, body, status, error_code, message] of [
    ['GET', '/subjects/timeline.g1-value/versions', null, 404, 40401, "Subject 'timeline.g1-value' not found."],
    ['GET', '/subjects/timeline.g1-value/versions/latest', null, 404, 40401, "Subject 'timeline.g1-value' not found."],
    ['GET', `/subjects/${SUBJECT}/versions/2`, null, 404, 40402, 'Version 2 not found.'],
    ['GET', `/subjects/${SUBJECT}/versions/0`, null, 422, 42202, /^'0' is not a valid version id/],
    ['GET', `/subjects/${SUBJECT}/versions/newest`, null, 422, 42202, /^'newest' is not a valid version id/],
    ['GET', '/schemas/ids/998', null, 404, 40403, 'Schema 998 not found'],
    ['GET', '/schemas/ids/x/versions', null, 404, 40403, 'Schema x not found'],
    ['GET', '/config/nobody', null, 404, 40401, "Subject 'nobody' not found."],
    ['GET', '/mode/nobody', null, 404, 40401, "Subject 'nobody' not found."],
    ['GET', '/associations/resources/-/timeline.g1', null, 404, 404, 'This registry has no such address.'],
    ['POST', '/subjects/nobody', { schema: sent.text }, 404, 40401, "Subject 'nobody' not found."],
    ['POST', `/subjects/${SUBJECT}`, { schema: other.text }, 404, 40403, 'Schema not found'],
    ['POST', `/subjects/${SUBJECT}`, { schema: '{' }, 422, 42201, 'Invalid schema: the schema is not JSON'],
    ['POST', `/subjects/${SUBJECT}`, { schema: tooDeep }, 422, 42201, /^Invalid schema: nested deeper than/],
    ['POST', `/subjects/${SUBJECT}`, { schema: '"int"', schemaType: 'JSON' }, 422, 42201, 'Invalid schema type JSON'],
    ['POST', `/subjects/${SUBJECT}`, {}, 422, 42201, 'Invalid schema: it is missing'],
    ['POST', `/subjects/${SUBJECT}`, 'no JSON', 400, 400, 'The request cannot be read.'],
    ['POST', `/subjects/${SUBJECT}`, { schema: 'x'.repeat(70_000) }, 413, 413, 'The schema is too large.'],
    ['POST', `/compatibility/subjects/${SUBJECT}/versions/1`, {}, 404, 404, 'This registry has no such address.'],
  ] as const) {
    const refused = await ask(method, path, body ?? undefined);
    assert.deepEqual([refused.status, refused.body.error_code], [status, error_code], path);
    assert.deepEqual(Object.keys(refused.body), ['error_code', 'message']);
    if (typeof message === 'string') assert.equal(refused.body.message, message);
    else assert.match(refused.body.message, message);
  }
});

test('every write is refused as a read-only registry refuses it', async () => {
  for (const [method, path] of [
    ['POST', `/subjects/${SUBJECT}/versions`],
    ['DELETE', `/subjects/${SUBJECT}`],
    ['DELETE', `/subjects/${SUBJECT}/versions/1`],
    ['PUT', '/config'],
    ['PUT', `/config/${SUBJECT}`],
    ['DELETE', `/config/${SUBJECT}`],
    ['PUT', '/mode'],
    ['PUT', `/mode/${SUBJECT}?force=true`],
    ['POST', '/associations'],
  ] as const) {
    const { status, body } = await ask(method, path, method === 'DELETE' ? undefined : { schema: sent.text });
    assert.deepEqual([status, body.error_code], [422, 42205], `${method} ${path}`);
    assert.match(body.message, /^This registry is read-only/);
  }
});

test('it says that it is read-only and what versions are held to', async () => {
  for (const suffix of ['', `/${SUBJECT}`]) {
    assert.deepEqual((await ask('GET', `/config${suffix}`)).body, { compatibilityLevel: 'FULL_TRANSITIVE' });
    assert.deepEqual((await ask('GET', `/mode${suffix}`)).body, { mode: 'READONLY' });
  }
  assert.deepEqual((await ask('GET', '/schemas/types')).body, ['AVRO']);
});

test('a mistake of ours is logged with its route, and told without its cause', async () => {
  const lines: string[] = [];
  const app = Fastify();
  const broken = new SchemaSubjects(files);
  broken.withId = () => {
    throw new Error('the secret cause');
  };
  registryRoutes(
    app,
    createLogger(
      'error',
      () => 0,
      (line) => lines.push(line),
    ),
    broken,
  );
  const response = await app.inject({ url: '/registry/schemas/ids/1' });
  await app.close();
  assert.deepEqual(
    [response.statusCode, response.json()],
    [500, { error_code: 500, message: 'Internal Server Error' }],
  );
  assert.match(lines.join(), /\/registry\/schemas\/ids\/:id.*the secret cause/);
});
