// Which rows are written together. CPU a row on one machine, the client's and the server's (us):
//
//   one row a request                          19 + 40
//   20 rows of ONE partition a request          6 + 14     one mutation
//   20 rows of 20 partitions a request          8 + 15     20 mutations, one request
//
// The last only where all partitions of a batch have the same replicas: then whoever coordinates it has every row itself,
// and sends no more than it would for one. With as many nodes as replicas that is every row. Nothing here is atomic but
// rows of one partition, and nothing has to be: each carries its position, and a call that failed is repeated.
import type { BoundStatement } from './cassandra-session.ts';

/** Beyond it a batch of one partition gains nothing, and a slow one holds its lane. */
const PARTITION_ROWS_MAX = 40;
/** Servers refuse a mutation above 16 MiB; this is 16 payloads of the greatest size. */
const PARTITION_BYTES_MAX = 256 * 1024;
/** Servers mention batches of more than 10 partitions in their log once a minute, and refuse none for it. */
export const MERGED_ROWS_MAX = 20;
/** Batches of several partitions are mentioned above 5 KiB of mutations, and refused above 50. */
export const MERGED_BYTES_MAX = 4 * 1024;
/** Names the replicas of a partition key; null where all keys have the same. */
export type ReplicasOf = ((partitionKey: PartitionKey) => string) | null;

export type PartitionKey = readonly (string | bigint)[];

interface PartitionWrites<W> {
  readonly key: PartitionKey;
  writes: W[];
  bytes: number;
}

interface Batch<W> {
  writes: W[];
  bytes: number;
}

export class WriteGroups<W extends BoundStatement = BoundStatement> {
  readonly #partitions = new Map<string, PartitionWrites<W>>();
  readonly #batches: W[][] = [];
  #rows = 0;
  #bytes = 0;

  /** What waits to be taken. */
  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `bytes`: what the mutation takes, about. */
  add(key: PartitionKey, write: W, bytes: number): void {
    this.#rows++;
    this.#bytes += bytes;
    const name = `${write.statement.table} ${key.join(' ')}`;
    const group = this.#partitions.get(name);
    if (group === undefined) {
      this.#partitions.set(name, { key, writes: [write], bytes });
      return;
    }
    if (group.writes.length >= PARTITION_ROWS_MAX || group.bytes + bytes > PARTITION_BYTES_MAX) {
      this.#batches.push(group.writes);
      group.writes = [];
      group.bytes = 0;
    }
    group.writes.push(write);
    group.bytes += bytes;
  }

  /** A request each, in no order. Empties the groups. */
  take(replicasOf: ReplicasOf): W[][] {
    const batches = this.#batches.splice(0);
    this.#rows = this.#bytes = 0;
    const open = new Map<string, Batch<W>>();
    for (const { key, writes, bytes } of this.#partitions.values()) {
      if (writes.length >= MERGED_ROWS_MAX || bytes >= MERGED_BYTES_MAX) {
        batches.push(writes);
        continue;
      }
      const replicas = replicasOf === null ? '' : replicasOf(key);
      const batch = open.get(replicas);
      if (batch === undefined) {
        open.set(replicas, { writes: [...writes], bytes });
      } else if (batch.writes.length + writes.length > MERGED_ROWS_MAX || batch.bytes + bytes > MERGED_BYTES_MAX) {
        batches.push(batch.writes);
        batch.writes = [...writes];
        batch.bytes = bytes;
      } else {
        for (const write of writes) batch.writes.push(write);
        batch.bytes += bytes;
      }
    }
    for (const { writes } of open.values()) batches.push(writes);
    this.#partitions.clear();
    return batches;
  }
}
