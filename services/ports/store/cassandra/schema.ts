// The tables (design, section 4), and which of them carry the positions of the log as their timestamps (R7).
//
// A position is the timestamp of every cell of its row, so rows need no column for it: it is read as WRITETIME.
import { ForbiddenStatementError } from './statement-error.ts';

/** Every write to these says `USING TIMESTAMP` with a position. A late writer cannot undo a newer write. */
export const STAMPED_TABLES: ReadonlySet<string> = new Set([
  'timeline',
  'conversation',
  'past_member',
  'inbox',
  'head',
  'membership',
]);

/** Tables written by the servers' clocks, and why that does no harm. Rows are never deleted. */
export const UNSTAMPED_TABLES: ReadonlyMap<string, string> = new Map([
  ['checkpoint', 'one cell; an older one is as true (R4), it only costs a replay'],
  ['canary', 'says nothing but that it could be written'],
  ['parked', 'rows without values, only ever added'],
  ['generation', 'a lightweight transaction, which takes no timestamp of ours; never changed'],
  ['table_set', 'a lightweight transaction; a row a switch, never changed, and the highest number counts'],
  ['rebuild', 'one cell; an older one only costs a rebuild some repeated work'],
  ['account', 'a lightweight transaction; primary data'],
]);

/**
 * `user` is '' in one row of each conversation, which is written with every flush. Cassandra gives no static columns for
 * a row that is not there; with this one in hand a stranger's view is the same single statement as a member's.
 */
const CONVERSATION = `(
  conversation text, user text,
  kind text static, seq bigint static, ordinal bigint static, time bigint static, as_of bigint static,
  title text static, member_limit int static,
  role text, joined_seq bigint,
  PRIMARY KEY ((conversation), user))`;

const TABLES: Readonly<Record<string, string>> = {
  timeline: `(
  conversation text, bucket bigint, seq bigint,
  ordinal bigint, sender text, command_id text, time bigint, event blob,
  PRIMARY KEY ((conversation, bucket), seq))`,
  conversation: CONVERSATION,
  past_member: `(
  conversation text, user text, joined_seq bigint, left_seq bigint,
  PRIMARY KEY ((conversation), user, joined_seq))`,
  inbox: `(
  user text, bucket bigint, inbox_seq bigint,
  conversation text, seq bigint, kind tinyint,
  PRIMARY KEY ((user, bucket), inbox_seq))`,
  head: `(
  user text PRIMARY KEY, head bigint, head_as_of bigint, minimum_seq bigint)`,
  // left_seq is 0 while present: a null would be a tombstone.
  membership: `(
  user text, conversation text, joined_seq bigint, left_seq bigint,
  PRIMARY KEY ((user), conversation))`,
  checkpoint: `(
  topic text, partition int, state text,
  PRIMARY KEY ((topic, partition)))`,
  // One row, named '*': the counts of the three topics are frozen together, by one lightweight transaction.
  generation: `(
  topic text PRIMARY KEY, generation int, partitions text, epoch int, prefix text)`,
  // A row a switch to another set of tables. None: set 0, with the epoch of the generation.
  table_set: `(
  topic text, number int, epoch int,
  PRIMARY KEY ((topic), number)) WITH CLUSTERING ORDER BY (number DESC)`,
  rebuild: `(
  topic text PRIMARY KEY, state text)`,
  parked: `(
  topic text, partition int, offset bigint,
  PRIMARY KEY ((topic, partition), offset))`,
  canary: `(
  partition int PRIMARY KEY, canary_id text)`,
  account: `(
  user text PRIMARY KEY, password_hash text, created_at bigint)`,
};

/** Those of the base: all of them. */
export const TABLE_NAMES: readonly string[] = Object.keys(TABLES);

/** Those of every set of tables: what is computed from the log, and where that stands. */
export const DERIVED_TABLES: readonly string[] = [...STAMPED_TABLES, 'checkpoint', 'canary'];

/** Replication as Cassandra spells it: `{'class': 'NetworkTopologyStrategy', 'dc1': 3}`. */
export type Replication = Readonly<Record<string, string | number>>;

const NAME = /^[a-z][a-z0-9_]{0,47}$/;

export function checkKeyspaceName(keyspace: string): void {
  if (!NAME.test(keyspace))
    throw new ForbiddenStatementError(`keyspace ${JSON.stringify(keyspace)}: a-z, 0-9 and _ only, at most 48`);
}

const SET_SUFFIX = /^_t([1-9][0-9]*)$/;

/** Where set `number` of the tables stands. */
export function keyspaceOfSet(base: string, number: number): string {
  return number === 0 ? base : `${base}_t${number}`;
}

/** Which set of `base` a keyspace is; null when it is none. */
export function setOfKeyspace(base: string, keyspace: string): number | null {
  if (keyspace === base) return 0;
  const match = keyspace.startsWith(base) ? SET_SUFFIX.exec(keyspace.slice(base.length)) : null;
  return match === null ? null : Number(match[1]);
}

export function createKeyspaceStatement(keyspace: string, replication: Replication): string {
  checkKeyspaceName(keyspace);
  const pairs = Object.entries(replication).map(([name, value]) => `${quote(name)}: ${quote(String(value))}`);
  return `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {${pairs.join(', ')}}`;
}

export function createTableStatement(keyspace: string, table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${keyspace}.${table} ${TABLES[table]}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
