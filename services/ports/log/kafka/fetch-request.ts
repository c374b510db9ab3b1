// The fetch request (version 11) and its reply, partition by partition. kafkajs answers one partition's error by an
// exception for all of them, and an offset that is out of range by going elsewhere.
import { newEncoder, type WireRequest } from './kafkajs-internals.ts';

/** Every Kafka from 2.3 to 4.x speaks it. */
export const FETCH_VERSION = 11;
export const FETCH_KEY = 1;
const NO_REPLICA = -1;
const NO_SESSION = { id: 0, epoch: -1 };

export interface FetchLimits {
  /** How long the broker waits for a first record. */
  readonly wait_ms: number;
  /** The first batch comes whole, however large. */
  readonly partition_bytes_max: number;
  readonly bytes_max: number;
}

export interface PartitionToFetch {
  readonly partition: number;
  readonly offset: number;
}

export interface PartitionFetched {
  readonly partition: number;
  readonly errorCode: number;
  /** Record batches; the last may be cut off. */
  readonly bytes: Buffer;
}

export function fetchRequest(
  topic: string,
  partitions: readonly PartitionToFetch[],
  { wait_ms, partition_bytes_max, bytes_max }: FetchLimits,
): WireRequest<readonly PartitionFetched[]> {
  return {
    request: {
      apiKey: FETCH_KEY,
      apiVersion: FETCH_VERSION,
      apiName: 'Fetch',
      async encode() {
        const encoder = newEncoder(128 + topic.length + partitions.length * 28);
        encoder.writeInt32(NO_REPLICA).writeInt32(wait_ms).writeInt32(1).writeInt32(bytes_max);
        encoder.writeBuffer(Buffer.of(0)); // read uncommitted: there are no transactions
        encoder.writeInt32(NO_SESSION.id).writeInt32(NO_SESSION.epoch);
        encoder.writeInt32(1).writeString(topic).writeInt32(partitions.length);
        for (const { partition, offset } of partitions) {
          const numbers = Buffer.alloc(28);
          numbers.writeInt32BE(partition, 0);
          numbers.writeInt32BE(-1, 4); // whatever leader epoch
          numbers.writeBigInt64BE(BigInt(offset), 8);
          numbers.writeBigInt64BE(-1n, 16); // no follower
          numbers.writeInt32BE(partition_bytes_max, 24);
          encoder.writeBuffer(numbers);
        }
        return encoder.writeInt32(0).writeString(''); // forget nothing; no rack
      },
    },
    response: {
      decode: async (raw) => decodeReply(raw),
      parse: async (decoded) => decoded as readonly PartitionFetched[],
    },
  };
}

//   throttle 4, error 2, session 4, [topic string, [partition 4, error 2, high watermark 8, last stable 8, start 8,
//   [aborted 16], preferred replica 4, bytes]]
function decodeReply(raw: Buffer): PartitionFetched[] {
  const fetched: PartitionFetched[] = [];
  let at = 14;
  for (let topics = raw.readInt32BE(10); topics > 0; topics--) {
    at += 2 + raw.readInt16BE(at);
    let partitions = raw.readInt32BE(at);
    at += 4;
    for (; partitions > 0; partitions--) {
      const partition = raw.readInt32BE(at);
      const errorCode = raw.readInt16BE(at + 4);
      const aborted = Math.max(0, raw.readInt32BE(at + 30));
      const start = at + 34 + aborted * 16 + 4 + 4;
      const end = start + Math.max(0, raw.readInt32BE(start - 4));
      fetched.push({ partition, errorCode, bytes: raw.subarray(start, end) });
      at = end;
    }
  }
  return fetched;
}
