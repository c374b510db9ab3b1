// The set of tables that this process works on, and its replacement while it runs.
//
// Who works on tables for a while pins `current()` once: a processor for one run, a reader for one request. What belongs to
// one set (rows, heads, inboxSeqs) is never mixed with another's.
//
//   switchTo(1) ─▶ set 1 opened ─▶ current() is set 1 ─▶ `replaced` of set 0 aborts ─▶ listeners ─▶ later: set 0 closed
import { setMaxListeners } from 'node:events';
import type { Logger } from '../../kernel/logger.ts';
import type { Runtime, Timer } from '../../kernel/runtime.ts';
import type { GenerationRow, StateStore } from './state-store.ts';
import type { TableSets } from './table-sets.ts';

/** Requests that were begun on a set that was replaced end within this. */
const LINGER_MS = 60_000;

/** Pinned. */
export interface TablesInForce {
  readonly store: StateStore;
  readonly epoch: number;
  readonly number: number;
  /** Aborts when another set is in force. */
  readonly replaced: AbortSignal;
}

export interface Tables {
  current(): TablesInForce;
  /** `listener` is called right after each switch. Returns how to stop. */
  onSwitch(listener: (now: TablesInForce, before: TablesInForce) => void): () => void;
}

/** A run was bound to a set of tables that is not in force any more: begin anew, on the one that is. */
export class TablesReplacedError extends Error {
  constructor() {
    super('another set of tables is in force');
    this.name = 'TablesReplacedError';
  }
}

type SetsToOpen = Pick<TableSets, 'open'>;
type SetInForce = Pick<GenerationRow, 'tables' | 'epoch'>;

interface Parts {
  readonly runtime: Runtime;
  readonly logger: Logger;
}

interface Opened extends TablesInForce {
  readonly controller: AbortController;
}

export class LiveTables implements Tables {
  readonly #sets: SetsToOpen;
  readonly #parts: Parts;
  readonly #listeners = new Set<(now: TablesInForce, before: TablesInForce) => void>();
  /** Replaced, and not closed yet. */
  readonly #lingering = new Map<Opened, Timer>();
  #current: Opened;
  #closed = false;

  private constructor(sets: SetsToOpen, current: Opened, parts: Parts) {
    this.#sets = sets;
    this.#current = current;
    this.#parts = parts;
  }

  /** Opens the set in force. @throws StoreError */
  static async open(sets: SetsToOpen, row: SetInForce, parts: Parts): Promise<LiveTables> {
    return new LiveTables(sets, await openSet(sets, row), parts);
  }

  current(): TablesInForce {
    return this.#current;
  }

  onSwitch(listener: (now: TablesInForce, before: TablesInForce) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One call at a time. Nothing happens when that set, or a later one, is in force here. @throws StoreError */
  async switchTo(row: SetInForce): Promise<void> {
    if (row.tables <= this.#current.number) return;
    const next = await openSet(this.#sets, row);
    if (this.#closed) return next.store.close();
    const before = this.#current;
    this.#current = next;
    const { runtime, logger } = this.#parts;
    this.#lingering.set(
      before,
      runtime.setTimer(LINGER_MS, () => void this.#closeLingering(before)),
    );
    logger.info('another set of tables is in force', {
      tables: next.number,
      epoch: next.epoch,
      tablesBefore: before.number,
      epochBefore: before.epoch,
    });
    before.controller.abort();
    for (const listener of this.#listeners) listener(next, before);
  }

  /** Closes what was opened. The base stays open. @throws StoreError */
  async close(): Promise<void> {
    this.#closed = true;
    for (const [opened, timer] of this.#lingering) {
      timer.cancel();
      await this.#closeLingering(opened);
    }
    await this.#current.store.close();
  }

  /** Rows that a replaced set does not take any more are nobody's loss. */
  async #closeLingering(opened: Opened): Promise<void> {
    this.#lingering.delete(opened);
    await opened.store.close().catch((error: unknown) => {
      this.#parts.logger.warn('a replaced set of tables did not close', { error: String(error) });
    });
  }
}

async function openSet(sets: SetsToOpen, { tables, epoch }: SetInForce): Promise<Opened> {
  const store = await sets.open(tables);
  const controller = new AbortController();
  // Every partition listens, while it reads: that is no leak.
  setMaxListeners(0, controller.signal);
  return { store, epoch, number: tables, replaced: controller.signal, controller };
}
