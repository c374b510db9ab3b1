// Kafka's record batches (magic 2), both ways. All integers big-endian, varints zigzag:
//
//   base offset 8 │ length 4 │ leader epoch 4 │ magic 1 │ crc32c 4 │ attributes 2 │ last offset delta 4 │ first time 8
//   │ max time 8 │ producer id 8, epoch 2, sequence 4 │ count 4 │ records
//
//   record: length │ attributes 1 │ time delta │ offset delta │ key length, key │ value length, value │ headers
//
// kafkajs has this too, at about ten objects a record. Here a value read is a view of the bytes that came.
import type { LogRecord, NewRecord } from '../event-log.ts';
import { crc32c } from './kafkajs-internals.ts';

const HEADER_BYTES = 61;
/** Base offset and length: what the length does not count. */
const PREFIX_BYTES = 12;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
/** Of a record, beside its key and value: lengths, deltas and the empty headers, at their longest. */
const RECORD_OVERHEAD_BYTES = 5 * 4 + 3;

const COMPRESSION_MASK = 0x7;
const LOG_APPEND_TIME = 0x8;
const CONTROL = 0x20;

/** Bytes that are not what Kafka's protocol says: a partition that holds them cannot be read. */
export class RecordBatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RecordBatchError';
  }
}

/** At least as many bytes as the record takes in a batch. */
export function recordSizeBound({ key, value }: NewRecord): number {
  return key.length * 3 + value.length + RECORD_OVERHEAD_BYTES;
}

/** One batch of at least one record. `time` is what a topic without LogAppendTime would show. */
export function encodeRecordBatch(records: readonly NewRecord[], time: number): Buffer {
  let bound = HEADER_BYTES;
  for (const record of records) bound += recordSizeBound(record);
  const bytes = Buffer.allocUnsafe(bound);
  let at = HEADER_BYTES;
  for (let i = 0; i < records.length; i++) at = writeRecord(bytes, at, records[i]!, i);
  bytes.fill(0, 0, HEADER_BYTES);
  bytes.writeInt32BE(at - PREFIX_BYTES, 8);
  bytes.writeInt32BE(-1, 12);
  bytes.writeInt8(2, 16);
  bytes.writeInt32BE(records.length - 1, 23);
  bytes.writeBigInt64BE(BigInt(time), 27);
  bytes.writeBigInt64BE(BigInt(time), 35);
  bytes.fill(0xff, 43, 57); // no producer id, epoch, sequence
  bytes.writeInt32BE(records.length, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT, at)), CRC_AT);
  return bytes.subarray(0, at);
}

function writeRecord(bytes: Buffer, start: number, { key, value }: NewRecord, offsetDelta: number): number {
  const keyLength = Buffer.byteLength(key);
  const length =
    2 + varintSize(offsetDelta) + varintSize(keyLength) + keyLength + varintSize(value.length) + value.length + 1;
  let at = writeVarint(bytes, start, length);
  bytes[at++] = 0; // attributes
  bytes[at++] = 0; // time delta
  at = writeVarint(bytes, at, offsetDelta);
  at = writeVarint(bytes, at, keyLength);
  at += bytes.write(key, at, 'utf8');
  at = writeVarint(bytes, at, value.length);
  bytes.set(value, at);
  at += value.length;
  bytes[at++] = 0; // headers
  return at;
}

export interface DecodedRecords {
  readonly records: readonly LogRecord[];
  /** Where the next fetch begins: behind all that came, be it readable or not. */
  readonly next: number;
}

/**
 * The records at or above `from` in what one partition of a fetch brought; the last batch may be cut off.
 * @throws RecordBatchError
 */
export function decodeRecordBatches(bytes: Buffer, from: number): DecodedRecords {
  const records: LogRecord[] = [];
  let next = from;
  for (let start = 0; start + HEADER_BYTES <= bytes.length; ) {
    const end = start + PREFIX_BYTES + bytes.readInt32BE(start + 8);
    if (end > bytes.length) break;
    if (bytes[start + 16] !== 2) throw new RecordBatchError(`a record batch of format ${bytes[start + 16]}`);
    const batch = bytes.subarray(start, end);
    if (decodeBatch(batch, from, records)) next = Number(batch.readBigInt64BE(0)) + batch.readInt32BE(23) + 1;
    start = end;
  }
  return { records, next };
}

/** Adds the batch's records to `records`; false when all of them lie below `from`. */
function decodeBatch(batch: Buffer, from: number, records: LogRecord[]): boolean {
  const base = Number(batch.readBigInt64BE(0));
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  if (base + batch.readInt32BE(23) < from) return false;
  if ((attributes & CONTROL) !== 0) return true;
  if ((attributes & COMPRESSION_MASK) !== 0) throw new RecordBatchError(`record ${base} is in a compressed batch`);
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) >>> 0 !== batch.readUInt32BE(CRC_AT))
    throw new RecordBatchError(`record ${base} is in a batch whose checksum is wrong`);
  const firstTime = Number(batch.readBigInt64BE(27));
  const appendTime = (attributes & LOG_APPEND_TIME) !== 0 ? Number(batch.readBigInt64BE(35)) : null;
  const reader = new VarintReader(batch, HEADER_BYTES);
  for (let left = batch.readInt32BE(57); left > 0; left--) {
    const length = reader.read();
    const end = reader.at + length;
    reader.at++; // attributes
    const delta = reader.read();
    const offset = base + reader.read();
    const key = reader.bytes();
    const value = reader.bytes();
    reader.at = end;
    if (offset >= from)
      records.push({ offset, appendTime: appendTime ?? firstTime + delta, key: key.toString('utf8'), value });
  }
  return true;
}

function varintSize(value: number): number {
  let zigzag = value * 2;
  let size = 1;
  while (zigzag >= 0x80) {
    zigzag = Math.floor(zigzag / 0x80);
    size++;
  }
  return size;
}

/** `value` is not negative. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let zigzag = value * 2;
  while (zigzag >= 0x80) {
    bytes[at++] = (zigzag % 0x80) | 0x80;
    zigzag = Math.floor(zigzag / 0x80);
  }
  bytes[at++] = zigzag;
  return at;
}

const NOTHING = Buffer.alloc(0);

class VarintReader {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  read(): number {
    let unsigned = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new RecordBatchError('a record batch ends inside a record');
      unsigned += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
  }

  /** A length, and as many bytes; a missing value (-1) is an empty one. */
  bytes(): Buffer {
    const length = this.read();
    if (length <= 0) return NOTHING;
    const start = this.at;
    this.at += length;
    if (this.at > this.#bytes.length) throw new RecordBatchError('a record batch ends inside a record');
    return this.#bytes.subarray(start, this.at);
  }
}
