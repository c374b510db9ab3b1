// The released schemas as a read-only schema registry, in the form of Confluent's: its clients, and whatever is built on
// them, read our topics with `<api>/registry` as their registry.
//
// Nothing is asked of the caller: the schemas are public, they stand in the repository. Nothing can be written: schemas
// come with a release, so every write is refused, as a registry in the mode READONLY refuses it.
import type { FastifyInstance } from 'fastify';
import { type RegisteredSchema, SchemaSubjects } from '../events/schema-subjects.ts';
import type { Logger } from '../kernel/logger.ts';
import { answer, RegistryRefusal, speakAsRegistry } from './registry-reply.ts';
import { registryBodies, registryOperation } from './registry-schemas.ts';

/** What a test holds the schemas to: every past version against every newer one, both ways. */
const CONFIG = { compatibilityLevel: 'FULL_TRANSITIVE' };
const MODE = { mode: 'READONLY' };
/** From 1 to 2^31 - 1; -1 is another word for latest. */
const VERSION = /^[1-9]\d{0,9}$/;

type Text = Readonly<Record<string, string>>;
interface Asked {
  readonly params: Text;
  readonly query: Text;
}

/** `<address>/registry` is the address of the registry. */
export function registryRoutes(app: FastifyInstance, logger: Logger, subjects = new SchemaSubjects()): void {
  // A context of its own, because its replies, also to mistakes, have a form of their own.
  app.register(
    async (registry) => {
      speakAsRegistry(registry, logger);
      subjectRoutes(registry, subjects);
      schemaRoutes(registry, subjects);
      settingRoutes(registry, subjects);
    },
    { prefix: '/registry' },
  );
}

/** `find`: the body of the answer. @throws RegistryRefusal */
function get(app: FastifyInstance, path: string, summary: string, body: object, find: (asked: Asked) => unknown) {
  app.get(path, { schema: registryOperation(path, summary, body) }, async (request, reply) => {
    return answer(reply, find({ params: request.params as Text, query: request.query as Text }));
  });
}

function subjectRoutes(app: FastifyInstance, subjects: SchemaSubjects): void {
  const all = 'Subjects: the full names of the records';
  get(app, '/subjects', all, registryBodies.names, ({ query }) => {
    return pageOf(
      subjects.names().filter((name) => name.startsWith(query.subjectPrefix ?? '')),
      query,
    );
  });

  const lookUp = registryOperation('/subjects/:subject', 'Which version a schema is', registryBodies.registered);
  const schema = { ...lookUp, body: registryBodies.schemaToLookUp };
  app.post('/subjects/:subject', { schema }, async (request, reply) => {
    const { subject } = request.params as { subject: string };
    const { schema: text, schemaType = 'AVRO' } = request.body as { schema: string; schemaType?: string };
    versionsOf(subjects, subject);
    if (schemaType !== 'AVRO') throw new RegistryRefusal('invalid_schema', `Invalid schema type ${schemaType}`);
    const found = subjects.lookUp(subject, text);
    if (found === undefined) throw new RegistryRefusal('schema_not_found', 'Schema not found');
    return answer(reply, found);
  });

  get(app, '/subjects/:subject/versions', 'Versions of a subject', registryBodies.numbers, ({ params, query }) => {
    return pageOf(
      versionsOf(subjects, params.subject!).map(({ version }) => version),
      query,
    );
  });

  const path = '/subjects/:subject/versions/:version';
  const find = ({ params }: Asked) => versionOf(subjects, params.subject!, params.version!);
  get(app, path, 'A version of a subject, by number or `latest`', registryBodies.registered, find);
  get(app, `${path}/schema`, 'Its schema alone', registryBodies.avro, (asked) => JSON.parse(find(asked).schema));
  get(app, `${path}/referencedby`, 'Schemas that refer to it: none does', registryBodies.numbers, (asked) => {
    find(asked);
    return [];
  });
}

function schemaRoutes(app: FastifyInstance, subjects: SchemaSubjects): void {
  get(app, '/schemas', 'Every version of every subject', registryBodies.allRegistered, ({ query }) => {
    return pageOf(
      subjects.all().filter(({ subject }) => subject.startsWith(query.subjectPrefix ?? '')),
      query,
    );
  });
  get(app, '/schemas/types', 'Kinds of schema', registryBodies.names, () => ['AVRO']);

  // A `subject` in the query says in which context the id is meant; there is one context here.
  const find = ({ params }: Asked) => withId(subjects, params.id!);
  const path = '/schemas/ids/:id';
  get(app, path, 'The schema that a record’s framing names', registryBodies.schema, (asked) => {
    return { schema: find(asked).schema };
  });
  get(app, `${path}/schema`, 'Its schema alone', registryBodies.avro, (asked) => JSON.parse(find(asked).schema));
  get(app, `${path}/subjects`, 'Its subject', registryBodies.names, (asked) => [find(asked).subject]);
  get(app, `${path}/versions`, 'Its subject and version', registryBodies.versions, (asked) => {
    const { subject, version } = find(asked);
    return [{ subject, version }];
  });
}

/** How the registry is set up: the same for every subject, and for ever. */
function settingRoutes(app: FastifyInstance, subjects: SchemaSubjects): void {
  for (const { path, summary, value, body } of [
    { path: '/config', summary: 'What versions are held to', value: CONFIG, body: registryBodies.config },
    { path: '/mode', summary: 'What may be done', value: MODE, body: registryBodies.mode },
  ]) {
    get(app, path, summary, body, () => value);
    get(app, `${path}/:subject`, `${summary}, in a subject`, body, ({ params }) => {
      versionsOf(subjects, params.subject!);
      return value;
    });
  }
}

function versionsOf(subjects: SchemaSubjects, subject: string): readonly RegisteredSchema[] {
  const versions = subjects.versionsOf(subject);
  if (versions.length === 0) throw new RegistryRefusal('subject_not_found', `Subject '${subject}' not found.`);
  return versions;
}

function versionOf(subjects: SchemaSubjects, subject: string, version: string): RegisteredSchema {
  const isLatest = version === 'latest' || version === '-1';
  if (!isLatest && !VERSION.test(version)) {
    const allowed = 'Allowed values are between [1, 2^31-1] and the string "latest"';
    throw new RegistryRefusal('invalid_version', `'${version}' is not a valid version id. ${allowed}`);
  }
  const versions = versionsOf(subjects, subject);
  const found = isLatest ? versions.at(-1) : versions.find((schema) => schema.version === Number(version));
  if (found === undefined) throw new RegistryRefusal('version_not_found', `Version ${version} not found.`);
  return found;
}

function withId(subjects: SchemaSubjects, id: string): RegisteredSchema {
  const found = /^\d{1,10}$/.test(id) ? subjects.withId(Number(id)) : undefined;
  if (found === undefined) throw new RegistryRefusal('schema_not_found', `Schema ${id} not found`);
  return found;
}

/** `offset` and `limit` as Confluent has them; a limit below 0 is none. */
function pageOf<T>(list: readonly T[], { offset = '0', limit = '-1' }: Text): readonly T[] {
  const from = Math.max(0, Number(offset) || 0);
  const count = Number(limit);
  return count >= 0 ? list.slice(from, from + count) : list.slice(from);
}
