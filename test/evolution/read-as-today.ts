// A reader of today's schemas on records of a newer release, as any consumer with Avro has it: the writer's schema comes
// from the registry (here: from that release's files), the reader's is its own, and Avro resolves one to the other.
//
// It gives bytes back, in today's version, so that whatever reads today's records (the ledger) reads those too.
import avsc from 'avsc';
import { decodeInboxRecord, encodeInboxRecord, schemaIdOf } from '../../services/events/codec.ts';
import { readSchemaFiles, type SchemaFile } from '../../services/events/schema-files.ts';
import type { TopicName } from '../../services/events/topics.ts';
import type { ReadRecord } from '../cluster/ledger/index.ts';

const FRAMING_BYTES = 5;

/**
 * @param schemas those of the newer release, today's too
 * @param onNewer told of each record that today's code could not read, or has an event in it that it could not
 */
export function readAsToday(
  schemas: readonly SchemaFile[],
  onNewer: (topic: TopicName) => void = () => {},
): ReadRecord {
  const known = readSchemaFiles();
  const translations = new Map(
    schemas
      .filter(({ id }) => known.every((file) => file.id !== id))
      .map((file) => [file.id, translation(file, known)]),
  );
  const translate = (value: Uint8Array) => translations.get(schemaIdOf(value))?.(value) ?? value;
  return (topic, value) => {
    const read = topic === 'inbox' ? withEvent(value, translate) : translate(value);
    if (read !== value) onNewer(topic);
    return read;
  };
}

function translation(newer: SchemaFile, known: readonly SchemaFile[]): (value: Uint8Array) => Uint8Array {
  const mine = known.filter(({ name }) => name === newer.name).sort((a, b) => b.version - a.version)[0];
  if (mine === undefined) throw new Error(`${newer.name} is a new kind of record: nobody of today can read it`);
  const [writer, reader] = [newer, mine].map(typeOf) as [avsc.Type, avsc.Type];
  const resolver = reader.createResolver(writer);
  return (value) => {
    const framing = Buffer.alloc(FRAMING_BYTES);
    framing.writeUInt32BE(mine.id, 1);
    return Buffer.concat([
      framing,
      reader.toBuffer(reader.fromBuffer(Buffer.from(value.subarray(FRAMING_BYTES)), resolver)),
    ]);
  };
}

function typeOf({ text }: SchemaFile): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(text) as avsc.Schema, { wrapUnions: false });
}

/** The event inside an inbox record is a framed record of its own. */
function withEvent(value: Uint8Array, translate: (value: Uint8Array) => Uint8Array): Uint8Array {
  const record = decodeInboxRecord(value);
  if (record.type !== 'InboxEntries') return value;
  const translated = translate(record.event);
  return translated === record.event ? value : encodeInboxRecord({ ...record, event: translated });
}
