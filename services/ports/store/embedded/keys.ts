// Keys of the table `state`: one byte says which of our tables, then the key's parts. Ids have their length before them,
// so ids that are prefixes of each other, or hold any character, cannot meet; numbers sort.
import type { TopicName } from '../../../events/topics.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

export const TABLES = {
  account: 1,
  canary: 2,
  checkpoint: 3,
  conversation: 4,
  generation: 5,
  head: 6,
  inbox: 7,
  member: 8,
  membership: 9,
  parked: 10,
  pastMember: 11,
  timeline: 12,
  tableSet: 13,
  rebuild: 14,
} as const;

/** Those that a set of tables has; the others stand in set 0 only. */
export const DERIVED_TABLES: readonly number[] = [
  TABLES.canary,
  TABLES.checkpoint,
  TABLES.conversation,
  TABLES.head,
  TABLES.inbox,
  TABLES.member,
  TABLES.membership,
  TABLES.pastMember,
  TABLES.timeline,
];

/** Sorts after every number a key can hold. */
export const LAST = Number.MAX_SAFE_INTEGER;

type Part = string | number;

/** Reused: lmdb copies a key at once. */
const writer = new ByteWriter();

/** A key that is good until the next one is made. */
export function key(table: number, first: Part, second?: Part, third?: Part): Uint8Array {
  writer.beginAnew().byte(table);
  add(first);
  if (second !== undefined) add(second);
  if (third !== undefined) add(third);
  return writer.end();
}

function add(part: Part): void {
  if (typeof part === 'string') writer.text(part);
  else writer.sortable(part);
}

/** A key of its own, for ranges, whose ends are needed at different times. */
export function stableKey(table: number, first: Part, second?: Part, third?: Part): Uint8Array {
  return Buffer.from(key(table, first, second, third));
}

/** The first key that does not begin with `prefix`. */
export function after(prefix: Uint8Array): Uint8Array {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i] === 0xff) continue;
    end[i]!++;
    return end.subarray(0, i + 1);
  }
  throw new Error('A key begins with the number of its table, and no table is 255.');
}

/** Reads a key's parts behind the table number. */
export function partsOf(bytes: Uint8Array): ByteReader {
  return new ByteReader(bytes, 1);
}

export function topicPartition(topic: TopicName, partition: number): string {
  return `${topic}/${partition}`;
}
