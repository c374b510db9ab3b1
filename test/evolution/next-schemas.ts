// The next versions of released schemas, as steps 1 and 2 of "Add a version" in schemas/README.md make them.
import { parseSchema } from '../../services/events/avro-schema.ts';
import { fingerprintOf } from '../../services/events/canonical-form.ts';
import { readSchemaFiles, type SchemaFile } from '../../services/events/schema-files.ts';

export interface AddedField {
  /** `MessageSent` */
  readonly record: string;
  /** As it stands in the file. */
  readonly field: Readonly<Record<string, unknown>>;
}

/** Today's files and behind them, under the next ids, one version more of each record that gets a field. */
export function nextSchemas(added: readonly AddedField[]): readonly SchemaFile[] {
  const files = readSchemaFiles();
  const last = Math.max(...files.map(({ id }) => id));
  return [...files, ...added.map((change, index) => nextVersion(files, change, last + 1 + index))];
}

function nextVersion(files: readonly SchemaFile[], { record, field }: AddedField, id: number): SchemaFile {
  const versions = files.filter(({ name }) => name === record).sort((a, b) => b.version - a.version);
  const [newest] = versions;
  if (newest === undefined) throw new Error(`there is no schema ${record}`);
  const schema = JSON.parse(newest.text) as { fields: object[] };
  schema.fields.splice(-1, 0, field); // the body stays last
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  const { name, topic, version } = newest;
  return { id, name, topic, version: version + 1, fingerprint: fingerprintOf(parseSchema(text)), text };
}
