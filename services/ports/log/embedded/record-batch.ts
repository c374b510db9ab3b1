// What one value of the log table holds: records of one partition that were appended together.
//
//   key    generation:2 topic:1 partition:2 base offset:6                         big endian, so in order
//   value  layout:1 appendTime:6 count:4 then per record  keyLength:2 key valueLength:4 value
//
// Offsets are contiguous, so a record's is the base plus its place. All of a batch have one append time.
import { TOPICS, type TopicName } from '../../../events/topics.ts';
import type { LogRecord, NewRecord } from '../event-log.ts';

const LAYOUT = 1;
const HEADER_BYTES = 11;
const KEY_BYTES = 11;
const PREFIX_BYTES = 5;
/** Offsets fill 6 bytes at most; a position leaves them 40 bits. */
const OFFSET_MAX = 2 ** 48 - 1;
/** Small batches share a slab, so that lmdb has to look up few addresses. */
const SLAB_BYTES = 64 * 1024;

const TOPIC_NUMBERS: { readonly [T in TopicName]: number } = { messages: 0, timeline: 1, inbox: 2 };

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabUsed = 0;

function allocate(size: number): Buffer {
  if (size > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(size);
  if (slabUsed + size > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    slabUsed = 0;
  }
  slabUsed += size;
  return slab.subarray(slabUsed - size, slabUsed);
}

/** An upper bound of what a record takes: a UTF-16 unit is 3 bytes of UTF-8 at most. */
export function sizeBound(record: NewRecord): number {
  return 6 + record.key.length * 3 + record.value.length;
}

export class BatchKeys {
  readonly #prefix: Buffer;

  constructor(generation: number, topic: TopicName, partition: number) {
    this.#prefix = Buffer.alloc(PREFIX_BYTES);
    this.#prefix.writeUInt16BE(generation, 0);
    this.#prefix.writeUInt8(TOPIC_NUMBERS[TOPICS[topic]], 2);
    this.#prefix.writeUInt16BE(partition, 3);
  }

  at(offset: number): Buffer {
    const key = Buffer.allocUnsafe(KEY_BYTES);
    key.set(this.#prefix);
    key.writeUIntBE(offset, PREFIX_BYTES, 6);
    return key;
  }

  last(): Buffer {
    return this.at(OFFSET_MAX);
  }

  /** The key's offset, or null when it is another partition's. */
  offsetOf(key: Uint8Array): number | null {
    if (key.length !== KEY_BYTES || this.#prefix.compare(key, 0, PREFIX_BYTES) !== 0) return null;
    return Buffer.from(key.buffer, key.byteOffset, key.length).readUIntBE(PREFIX_BYTES, 6);
  }

  /** Where the partition's start offset stands: a key no batch has. */
  startKey(): Buffer {
    return Buffer.concat([Buffer.from([0xff, 0xff, 0xff]), this.#prefix]);
  }
}

/** Copies the records into one value. `bytes_max` is the sum of their `sizeBound`. */
export function encodeBatch(appendTime: number, records: readonly NewRecord[], bytes_max: number): Buffer {
  const buffer = allocate(HEADER_BYTES + bytes_max);
  buffer[0] = LAYOUT;
  buffer.writeUIntBE(appendTime, 1, 6);
  buffer.writeUInt32BE(records.length, 7);
  let at = HEADER_BYTES;
  for (let i = 0; i < records.length; i++) {
    const { key, value } = records[i]!;
    const keyLength = buffer.write(key, at + 2, 'utf8');
    buffer.writeUInt16BE(keyLength, at);
    at += 2 + keyLength;
    buffer.writeUInt32BE(value.length, at);
    at += 4;
    buffer.set(value, at);
    at += value.length;
  }
  return buffer.subarray(0, at);
}

/** The records of a value from offset `from` on, `records_max` at most. `bytes` must stay as they are. */
export function decodeBatch(baseOffset: number, bytes: Uint8Array, from: number, records_max: number): LogRecord[] {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer[0] !== LAYOUT)
    throw new Error(`A batch of the log has layout ${buffer[0]}; this version reads ${LAYOUT}.`);
  const appendTime = buffer.readUIntBE(1, 6);
  const count = buffer.readUInt32BE(7);
  const records: LogRecord[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < count && records.length < records_max; i++) {
    const keyEnd = at + 2 + buffer.readUInt16BE(at);
    const valueStart = keyEnd + 4;
    const valueEnd = valueStart + buffer.readUInt32BE(keyEnd);
    if (baseOffset + i >= from) {
      const key = buffer.toString('utf8', at + 2, keyEnd);
      records.push({ offset: baseOffset + i, appendTime, key, value: buffer.subarray(valueStart, valueEnd) });
    }
    at = valueEnd;
  }
  return records;
}

export function countOf(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(7);
}
