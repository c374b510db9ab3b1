// Rows that are few: as JSON. Checkpoints and canaries are written behind, with the rows they speak of; the others are
// durable when their call resolves.
import type { TopicName } from '../../../events/topics.ts';
import { type AccountRow, type Checkpoint, type GenerationRow, withTablesInForce } from '../state-store.ts';
import { key, partsOf, stableKey, TABLES, topicPartition } from './keys.ts';
import { PendingCells } from './pending-rows.ts';
import type { RowTable } from './row-table.ts';

type TablesRow = Pick<GenerationRow, 'tables' | 'epoch'>;

const PARKED = Buffer.from([1]);

export class ColdTable {
  readonly #table: RowTable;
  readonly #checkpoints = new PendingCells<Checkpoint>();
  readonly #canaries = new PendingCells<string>();

  constructor(table: RowTable) {
    this.#table = table;
  }

  checkpoint(topic: TopicName, partition: number): Checkpoint | null {
    const name = topicPartition(topic, partition);
    return this.#checkpoints.get(name) ?? this.#read(key(TABLES.checkpoint, name));
  }

  writeCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): void {
    // A copy: the processor goes on counting in its own.
    this.#checkpoints.set(topicPartition(topic, partition), { ...checkpoint, sources: { ...checkpoint.sources } });
  }

  writeCanary(partition: number, canaryId: string): void {
    this.#canaries.set(String(partition), canaryId);
  }

  parked(topic: TopicName, partition: number): Set<number> {
    const offsets = new Set<number>();
    for (const { key: bytes } of this.#table.withPrefix(stableKey(TABLES.parked, topic, partition))) {
      const parts = partsOf(bytes);
      parts.text();
      parts.sortable();
      offsets.add(parts.sortable());
    }
    return offsets;
  }

  async park(topic: TopicName, partition: number, offset: number): Promise<void> {
    await this.#table.create(key(TABLES.parked, topic, partition, offset), PARKED);
  }

  generation(): GenerationRow | null {
    const row = this.#read<GenerationRow>(key(TABLES.generation, 0));
    return row === null ? null : withTablesInForce({ ...row, tables: 0 }, this.#lastTableSet());
  }

  async createGeneration(row: GenerationRow): Promise<GenerationRow> {
    await this.#table.create(key(TABLES.generation, 0), encode(row));
    return this.generation()!;
  }

  /** A row a switch, so that numbers only rise, whichever process writes. */
  async switchTables({ tables, epoch }: TablesRow): Promise<boolean> {
    if ((this.#lastTableSet()?.tables ?? 0) >= tables) return false;
    const created = await this.#table.create(key(TABLES.tableSet, tables), encode({ tables, epoch }));
    this.#table.refresh();
    return created && this.#lastTableSet()?.tables === tables;
  }

  rebuild(): string | null {
    return this.#read(key(TABLES.rebuild, 0));
  }

  writeRebuild(state: string): Promise<void> {
    return this.#table.write(key(TABLES.rebuild, 0), encode(state));
  }

  account(user: string): AccountRow | null {
    return this.#read(key(TABLES.account, user));
  }

  createAccount(row: AccountRow): Promise<boolean> {
    return this.#table.create(key(TABLES.account, row.user), encode(row));
  }

  leave(): void {
    this.#checkpoints.leave();
    this.#canaries.leave();
  }

  arrived(): void {
    this.#checkpoints.arrived();
    this.#canaries.arrived();
  }

  *canarySteps(): Generator<number> {
    for (const [partition, canaryId] of this.#canaries.leaving) {
      this.#table.put(key(TABLES.canary, partition), encode(canaryId));
      yield 1;
    }
  }

  *checkpointSteps(): Generator<number> {
    for (const [name, checkpoint] of this.#checkpoints.leaving) {
      this.#table.put(key(TABLES.checkpoint, name), encode(checkpoint));
      yield 1;
    }
  }

  #lastTableSet(): TablesRow | undefined {
    let last: TablesRow | undefined;
    for (const { value } of this.#table.withPrefix(Buffer.from([TABLES.tableSet]))) last = decode(value);
    return last;
  }

  #read<T>(at: Uint8Array): T | null {
    const bytes = this.#table.get(at);
    return bytes === undefined ? null : decode(bytes);
  }
}

function decode<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as T;
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}
