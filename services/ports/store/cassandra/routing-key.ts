// A partition key as Cassandra hashes it: one column as it is; several each with its length before and a zero behind.

export function routingKeyOf(key: readonly (string | bigint)[]): Buffer {
  const parts = key.map(bytesOf);
  if (parts.length === 1) return parts[0]!;
  const framed: Buffer[] = [];
  for (const part of parts) {
    const length = Buffer.allocUnsafe(2);
    length.writeUInt16BE(part.length);
    framed.push(length, part, ZERO);
  }
  return Buffer.concat(framed);
}

const ZERO = Buffer.from([0]);

function bytesOf(part: string | bigint): Buffer {
  if (typeof part === 'string') return Buffer.from(part, 'utf8');
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(part);
  return bytes;
}
