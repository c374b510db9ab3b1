// Rows that are few: checkpoints, canaries, parked offsets, the generation, accounts.
import type { TopicName } from '../../../events/topics.ts';
import { type AccountRow, type Checkpoint, type GenerationRow, withTablesInForce } from '../state-store.ts';
import type { CassandraSession, Row } from './cassandra-session.ts';
import { fromLong, toLong } from './numbers.ts';
import { statement } from './statement.ts';

const statements = {
  loadCheckpoint: statement('SELECT state FROM checkpoint WHERE topic = ? AND partition = ?'),
  // One cell: two owners' cells of one microsecond must not mix.
  saveCheckpoint: statement('INSERT INTO checkpoint (topic, partition, state) VALUES (?, ?, ?)'),
  readParked: statement('SELECT offset FROM parked WHERE topic = ? AND partition = ?'),
  park: statement('INSERT INTO parked (topic, partition, offset) VALUES (?, ?, ?)'),
  writeCanary: statement('INSERT INTO canary (partition, canary_id) VALUES (?, ?)'),
  loadGeneration: statement('SELECT generation, partitions, epoch, prefix FROM generation WHERE topic = ?'),
  createGeneration: statement(
    'INSERT INTO generation (topic, generation, partitions, epoch, prefix) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS',
  ),
  loadTableSet: statement('SELECT number, epoch FROM table_set WHERE topic = ? LIMIT 1'),
  addTableSet: statement('INSERT INTO table_set (topic, number, epoch) VALUES (?, ?, ?) IF NOT EXISTS'),
  loadRebuild: statement('SELECT state FROM rebuild WHERE topic = ?'),
  saveRebuild: statement('INSERT INTO rebuild (topic, state) VALUES (?, ?)'),
  loadAccount: statement('SELECT password_hash, created_at FROM account WHERE user = ?'),
  createAccount: statement('INSERT INTO account (user, password_hash, created_at) VALUES (?, ?, ?) IF NOT EXISTS'),
};

type TablesRow = Pick<GenerationRow, 'tables' | 'epoch'>;

const ALL_TOPICS = '*';
const PARKED_PAGE_ROWS = 1_000;

export class ColdTable {
  readonly #session: CassandraSession;

  constructor(session: CassandraSession) {
    this.#session = session;
  }

  async loadCheckpoint(topic: TopicName, partition: number): Promise<Checkpoint | null> {
    const [row] = (await this.#session.run(statements.loadCheckpoint, [topic, partition])).rows;
    return row === undefined ? null : (JSON.parse(row.state as string) as Checkpoint);
  }

  async saveCheckpoint(topic: TopicName, partition: number, checkpoint: Checkpoint): Promise<void> {
    await this.#session.run(statements.saveCheckpoint, [topic, partition, JSON.stringify(checkpoint)]);
  }

  async readParked(topic: TopicName, partition: number): Promise<ReadonlySet<number>> {
    const rows = await this.#session.readAll(statements.readParked, [topic, partition], PARKED_PAGE_ROWS);
    return new Set(rows.map((row) => fromLong(row.offset)));
  }

  async park(topic: TopicName, partition: number, offset: number): Promise<void> {
    await this.#session.run(statements.park, [topic, partition, toLong(offset)]);
  }

  async writeCanary(partition: number, canaryId: string): Promise<void> {
    await this.#session.run(statements.writeCanary, [partition, canaryId]);
  }

  async loadGeneration(): Promise<GenerationRow | null> {
    const [row] = (await this.#session.run(statements.loadGeneration, [ALL_TOPICS])).rows;
    return row === undefined ? null : withTablesInForce(generationOf(row), await this.#tablesInForce());
  }

  async createGeneration(row: GenerationRow): Promise<GenerationRow> {
    const parameters = [ALL_TOPICS, row.generation, JSON.stringify(row.partitions), row.epoch, row.prefix ?? ''];
    const [answer] = (await this.#session.run(statements.createGeneration, parameters)).rows;
    // Not applied: the answer is the row that was there.
    return withTablesInForce(isApplied(answer) ? row : generationOf(answer!), await this.#tablesInForce());
  }

  async switchTables({ tables, epoch }: TablesRow): Promise<boolean> {
    if (((await this.#tablesInForce())?.tables ?? 0) >= tables) return false;
    const [answer] = (await this.#session.run(statements.addTableSet, [ALL_TOPICS, tables, epoch])).rows;
    // Two switches at once may both add their row: the higher one counts.
    return isApplied(answer) && (await this.#tablesInForce())?.tables === tables;
  }

  async loadRebuild(): Promise<string | null> {
    const [row] = (await this.#session.run(statements.loadRebuild, [ALL_TOPICS])).rows;
    return row === undefined ? null : (row.state as string);
  }

  async saveRebuild(state: string): Promise<void> {
    await this.#session.run(statements.saveRebuild, [ALL_TOPICS, state]);
  }

  async #tablesInForce(): Promise<TablesRow | null> {
    const [row] = (await this.#session.run(statements.loadTableSet, [ALL_TOPICS])).rows;
    return row === undefined ? null : { tables: row.number as number, epoch: row.epoch as number };
  }

  async createAccount({ user, passwordHash, createdAt }: AccountRow): Promise<boolean> {
    const parameters = [user, passwordHash, toLong(createdAt)];
    return isApplied((await this.#session.run(statements.createAccount, parameters)).rows[0]);
  }

  async loadAccount(user: string): Promise<AccountRow | null> {
    const [row] = (await this.#session.run(statements.loadAccount, [user])).rows;
    if (row === undefined) return null;
    return { user, passwordHash: row.password_hash as string | null, createdAt: fromLong(row.created_at) };
  }
}

function isApplied(row: Row | undefined): boolean {
  return row?.['[applied]'] === true;
}

function generationOf(row: Row): GenerationRow {
  const prefix = row.prefix as string | null;
  return {
    ...(prefix === null || prefix === '' ? {} : { prefix }),
    generation: row.generation as number,
    partitions: JSON.parse(row.partitions as string) as GenerationRow['partitions'],
    tables: 0,
    epoch: row.epoch as number,
  };
}
