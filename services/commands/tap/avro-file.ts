// An Avro object container file, as Avro 1.11 has it:
//
//   header   'O' 'b' 'j' 1 │ map: avro.codec, avro.schema │ sync:16
//   block    rows: long │ bytes: long │ the rows, deflated │ sync:16          … one after the other
//
// Written here and not by avsc's streams, so that one place knows how many bytes wait and when the disk has them.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import avsc from 'avsc';
import { COLUMNS, type Column, type ColumnType, type EventRow } from './event-row.ts';
import type { RowFile } from './row-file.ts';

/** Rows of one block before they are deflated: a reader takes one block at a time into memory. */
const BLOCK_BYTES = 256 * 1024;
const SYNC_BYTES = 16;

const AVRO_TYPES: { readonly [T in ColumnType]: avsc.Schema } = {
  string: 'string',
  long: 'long',
  int: 'int',
  timestamp: { type: 'long', logicalType: 'timestamp-millis' } as avsc.Schema,
  bytes: 'bytes',
  strings: { type: 'array', items: 'string' },
};

/** The schema in every file. */
export const EVENT_AVRO_SCHEMA = {
  type: 'record',
  name: 'Event',
  namespace: 'fanlog.tap.v1',
  doc: 'One decided event.',
  fields: COLUMNS.map(fieldOf),
} as const;

function fieldOf({ name, type, nullable, doc }: Column) {
  const plain = AVRO_TYPES[type];
  return nullable ? { name, type: ['null', plain], default: null, doc } : { name, type: plain, doc };
}

const eventType = avsc.Type.forSchema(EVENT_AVRO_SCHEMA as unknown as avsc.Schema, { wrapUnions: false });
const longType = avsc.Type.forSchema('long');
const metadataType = avsc.Type.forSchema({ type: 'map', values: 'bytes' });

export class AvroFile implements RowFile {
  readonly #file: number;
  readonly #sync = randomBytes(SYNC_BYTES);
  #block = Buffer.allocUnsafeSlow(2 * BLOCK_BYTES);
  #used = 0;
  #rows = 0;
  #written = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'w');
    const metadata = metadataType.toBuffer({
      'avro.codec': Buffer.from('deflate'),
      'avro.schema': Buffer.from(JSON.stringify(EVENT_AVRO_SCHEMA)),
    });
    this.#write(Buffer.concat([Buffer.from('Obj\x01', 'latin1'), metadata, this.#sync]));
  }

  get bytes(): number {
    return this.#written + this.#used;
  }

  add(row: EventRow): void {
    let end = eventType.encode(row, this.#block, this.#used);
    // A negative end says how many bytes were missing, as far as the encoder had come: so it may take more than one try.
    while (end < 0) {
      const larger = Buffer.allocUnsafeSlow(2 * (this.#block.length - end));
      this.#block.copy(larger, 0, 0, this.#used);
      this.#block = larger;
      end = eventType.encode(row, this.#block, this.#used);
    }
    this.#used = end;
    this.#rows++;
    if (this.#used >= BLOCK_BYTES) this.#writeBlock();
  }

  async close(): Promise<number> {
    this.#writeBlock();
    fsyncSync(this.#file);
    closeSync(this.#file);
    return this.#written;
  }

  abandon(): void {
    closeSync(this.#file);
  }

  #writeBlock(): void {
    if (this.#rows === 0) return;
    const deflated = deflateRawSync(this.#block.subarray(0, this.#used));
    this.#write(
      Buffer.concat([longType.toBuffer(this.#rows), longType.toBuffer(deflated.length), deflated, this.#sync]),
    );
    this.#rows = 0;
    this.#used = 0;
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    this.#written += bytes.length;
  }
}
