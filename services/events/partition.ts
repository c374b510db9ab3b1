// Which partition a key belongs to: murmur2 as Kafka's own default partitioner computes it, in both profiles, so that
// any producer of the ecosystem agrees with us. Test vectors stand in schemas/README.md.

const encoder = new TextEncoder();
const scratch = new Uint8Array(1024);

/** Kafka's murmur2 (seed 0x9747b28c) of the first `length` bytes; a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  const m = 0x5bd1e995;
  let hash = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    hash = Math.imul(hash, m) ^ k;
  }
  const rest = length - whole;
  if (rest === 3) hash ^= bytes[whole + 2]! << 16;
  if (rest >= 2) hash ^= bytes[whole + 1]! << 8;
  if (rest >= 1) {
    hash ^= bytes[whole]!;
    hash = Math.imul(hash, m);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  hash ^= hash >>> 15;
  return hash | 0;
}

/** The partition of `key` (UTF-8) among `partitions`; what Kafka's default partitioner chooses. */
export function partitionOf(key: string, partitions: number): number {
  const { written, read } = encoder.encodeInto(key, scratch);
  const hash = read === key.length ? murmur2(scratch, written) : murmur2(encoder.encode(key));
  return (hash & 0x7fffffff) % partitions;
}
