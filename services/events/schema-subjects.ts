// The released schemas as a schema registry has them: subjects with versions, and ids.
//
// A subject is a record's full name (`fanlog.v1.MessageSent`; Confluent calls it RecordNameStrategy), because a topic
// holds several kinds of record (infra/decisions/0011).
import { parseSchema } from './avro-schema.ts';
import { fingerprintOf } from './canonical-form.ts';
import { readSchemaFiles, type SchemaFile } from './schema-files.ts';

export interface RegisteredSchema {
  readonly subject: string;
  /** Dense from 1 inside the subject. */
  readonly version: number;
  /** Stands in every record's framing. */
  readonly id: number;
  /** The file, on one line. */
  readonly schema: string;
}

interface Entry {
  readonly registered: RegisteredSchema;
  readonly fingerprint: string;
}

export class SchemaSubjects {
  /** By ascending id. */
  readonly #entries: readonly Entry[];

  constructor(files: readonly SchemaFile[] = readSchemaFiles()) {
    this.#entries = files.map(({ id, version, fingerprint, text }) => {
      const subject = subjectOf(text);
      return { registered: { subject, version, id, schema: JSON.stringify(JSON.parse(text)) }, fingerprint };
    });
  }

  all(): readonly RegisteredSchema[] {
    return this.#entries.map(({ registered }) => registered);
  }

  /** In alphabetical order. */
  names(): readonly string[] {
    return [...new Set(this.all().map(({ subject }) => subject))].sort();
  }

  /** By ascending version; empty: no such subject. */
  versionsOf(subject: string): readonly RegisteredSchema[] {
    return this.all()
      .filter((schema) => schema.subject === subject)
      .sort((a, b) => a.version - b.version);
  }

  withId(id: number): RegisteredSchema | undefined {
    return this.all().find((schema) => schema.id === id);
  }

  /** The newest version that writes the same bytes as this schema does. @throws InvalidSchemaError */
  lookUp(subject: string, text: string): RegisteredSchema | undefined {
    const fingerprint = fingerprintOf(parseSchema(text));
    const same = this.#entries.filter((entry) => entry.fingerprint === fingerprint).map((entry) => entry.registered);
    return same.filter((schema) => schema.subject === subject).sort((a, b) => b.version - a.version)[0];
  }
}

function subjectOf(text: string): string {
  const schema = parseSchema(text);
  if (!('name' in schema)) throw new Error('a released schema is a record');
  return schema.name;
}
