// The guard of rule R7: the only statements there are. `CassandraSession` takes nothing else, and a statement can only be
// made here, where a write to a stamped table without `USING TIMESTAMP ?` is refused, and so is whatever this cannot read.
//
// A wall-clock write (1.7e15 us) would stand above every position (generation 1: 1.1e12) for ever, unseen, until the
// first replay that cannot repair its row.
import { STAMPED_TABLES, UNSTAMPED_TABLES } from './schema.ts';
import { ForbiddenStatementError } from './statement-error.ts';

const READ = /^SELECT [^;]+ FROM ([a-z_]+)( WHERE [^;]+)?$/;
const INSERT = /^INSERT INTO ([a-z_]+) \(([a-z_, ]+)\) VALUES \(([?, ]+|'', [?, ]+|\?, '', [?, ]+|\?, '')\)(.*)$/;
const DELETE = /^DELETE FROM ([a-z_]+)( USING TIMESTAMP \?)? WHERE [a-z_]+ = \?( AND [a-z_]+ = \?)*$/;

const made = new WeakSet<Statement>();

export class Statement {
  readonly text: string;
  readonly table: string;
  readonly isWrite: boolean;
  /** Which parameter is the timestamp; -1 for reads and unstamped tables. */
  readonly timestampIndex: number;
  /** A lightweight transaction: may not be repeated by the driver. */
  readonly isConditional: boolean;

  /** Use `statement()`: one made here directly is refused by the session. */
  constructor(text: string, table: string, isWrite: boolean, timestampIndex: number, isConditional: boolean) {
    this.text = text;
    this.table = table;
    this.isWrite = isWrite;
    this.timestampIndex = timestampIndex;
    this.isConditional = isConditional;
  }
}

/** @throws ForbiddenStatementError */
export function statement(text: string): Statement {
  const flat = text.replace(/\s+/g, ' ').trim();
  const checked = readOf(flat) ?? insertOf(flat) ?? deleteOf(flat);
  if (checked === null) throw new ForbiddenStatementError(`not a statement this store may issue: ${flat}`);
  made.add(checked);
  return checked;
}

/** The check of every single execution. @throws ForbiddenStatementError */
export function checkExecution(checked: Statement, parameters: readonly unknown[]): void {
  if (!made.has(checked)) throw new ForbiddenStatementError('a statement that never passed the guard was to be issued');
  if (checked.timestampIndex < 0) return;
  const timestamp = parameters[checked.timestampIndex];
  if (typeof timestamp !== 'bigint' || timestamp < 0n || timestamp > MAX_POSITION)
    throw new ForbiddenStatementError(`${String(timestamp)} is no position to write ${checked.table} with`);
}

const MAX_POSITION = BigInt(Number.MAX_SAFE_INTEGER);

function readOf(text: string): Statement | null {
  const match = READ.exec(text);
  if (match === null) return null;
  return new Statement(text, knownTable(match[1]!, text), false, -1, false);
}

function insertOf(text: string): Statement | null {
  const match = INSERT.exec(text);
  if (match === null) return null;
  const table = knownTable(match[1]!, text);
  const suffix = match[4]!;
  const markers = match[3]!.split('?').length - 1;
  if (STAMPED_TABLES.has(table)) {
    if (suffix !== ' USING TIMESTAMP ?') throw wallClock(text);
    return new Statement(text, table, true, markers, false);
  }
  if (suffix !== '' && suffix !== ' IF NOT EXISTS') return null;
  return new Statement(text, table, true, -1, suffix !== '');
}

function deleteOf(text: string): Statement | null {
  const match = DELETE.exec(text);
  if (match === null) return null;
  const table = knownTable(match[1]!, text);
  // Nothing is ever deleted by the clock, in any table.
  if (match[2] === undefined || !STAMPED_TABLES.has(table)) throw wallClock(text);
  return new Statement(text, table, true, 0, false);
}

function knownTable(table: string, text: string): string {
  if (STAMPED_TABLES.has(table) || UNSTAMPED_TABLES.has(table)) return table;
  throw new ForbiddenStatementError(`${table} is not a table of this store: ${text}`);
}

function wallClock(text: string): ForbiddenStatementError {
  return new ForbiddenStatementError(`written by the wall clock, it would outlive every position (R7): ${text}`);
}
