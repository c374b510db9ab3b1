// lmdb as these tables use it: reads that copy, puts whose transaction can be awaited.
import { Commits } from '../../log/embedded/commits.ts';
import { handled, type Table } from '../../log/embedded/open-environment.ts';
import { after } from './keys.ts';

/** Of a scan: some milliseconds. */
const PAGE_ROWS = 1_000;
const ZERO = Buffer.from([0]);

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class RowTable {
  readonly #table: Table;
  readonly #commits = new Commits();

  constructor(table: Table) {
    this.#table = table;
  }

  /** A copy of the value. */
  get(key: Uint8Array): Uint8Array | undefined {
    return this.#table.get(key);
  }

  /** All puts of one turn of the event loop are one transaction, whatever else is in it. */
  put(key: Uint8Array, value: Uint8Array): void {
    this.#commits.add(this.#table.put(key, value));
  }

  /** Resolves when every put since the last call is durable. */
  committed(): Promise<void> {
    return this.#commits.settled();
  }

  /** Durable when it resolves; false, and nothing written, if the key was there. */
  create(key: Uint8Array, value: Uint8Array): Promise<boolean> {
    const put = this.#table.put(key, value, { noOverwrite: true } as never);
    put.catch(handled);
    return put;
  }

  /** Durable when it resolves; the last one wins. */
  async write(key: Uint8Array, value: Uint8Array): Promise<void> {
    const put = this.#table.put(key, value);
    put.catch(handled);
    await put;
  }

  /** Every row of one of our tables, by pages; a page is read in one turn of the event loop. */
  async *pages(table: number): AsyncGenerator<readonly Row[]> {
    const end = after(Buffer.from([table]));
    for (let start: Uint8Array = Buffer.from([table]); ; ) {
      const rows = [...this.#table.getRange({ start, end, limit: PAGE_ROWS })];
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) return;
      start = Buffer.concat([last.key, ZERO]);
    }
  }

  /** Every row of one of our tables goes, page by page. */
  async clear(table: number): Promise<void> {
    const end = after(Buffer.from([table]));
    for (;;) {
      const keys = [...this.#table.getKeys({ start: Buffer.from([table]), end, limit: PAGE_ROWS })];
      if (keys.length === 0) return;
      const commits = new Commits();
      for (const key of keys) commits.add(this.#table.remove(key));
      await commits.settled();
      this.refresh();
    }
  }

  withPrefix(prefix: Uint8Array) {
    return this.#table.getRange({ start: prefix, end: after(prefix) });
  }

  /** Both ends are in the range. */
  range(start: Uint8Array, end: Uint8Array, limit: number) {
    return this.#table.getRange({ start, end, limit, inclusiveEnd: true } as never) as ReturnType<Table['getRange']>;
  }

  /** From `start` down to `end`, both of them in the range. */
  rangeDown(start: Uint8Array, end: Uint8Array, limit: number) {
    const options = { start, end, limit, reverse: true, inclusiveEnd: true };
    return this.#table.getRange(options as never) as ReturnType<Table['getRange']>;
  }

  /** Reads from now on see what was committed. */
  refresh(): void {
    this.#table.resetReadTxn();
  }
}
