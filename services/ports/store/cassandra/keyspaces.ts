// Keyspaces and tables themselves: made, listed, emptied, dropped. What stands in tables goes through CassandraSession.
import { StoreError } from '../state-store.ts';
import {
  asStoreError,
  type CassandraSettings,
  type Client,
  clientOptions,
  newClient,
  SCHEMA_AGREEMENT_S_MAX,
  shutDown,
} from './driver.ts';
import {
  checkKeyspaceName,
  createKeyspaceStatement,
  createTableStatement,
  DERIVED_TABLES,
  TABLE_NAMES,
} from './schema.ts';

/** To truncate or drop what has rows, servers take a snapshot of it. */
const REMOVE_MS_MAX = 60_000;

/**
 * Makes what is missing, one statement after the other, each agreed on by all nodes before the next. What exists is left
 * alone: before Cassandra 5.1 two nodes that create one table at the same moment can disagree about it, so processes
 * that start together look first. To create the schema once before the first start is better still.
 */
export async function ensureSchema(settings: CassandraSettings): Promise<void> {
  const { keyspace, replication, tables: wanted = TABLE_NAMES } = settings;
  checkKeyspaceName(keyspace);
  const client = newClient(clientOptions(settings));
  try {
    await client.connect();
    const keyspaces = await client.execute(
      'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?',
      [keyspace],
      { prepare: true },
    );
    if (keyspaces.rowLength === 0) await define(client, createKeyspaceStatement(keyspace, replication));
    const tables = await client.execute(
      'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?',
      [keyspace],
      { prepare: true },
    );
    const present = new Set(tables.rows.map((row) => row.table_name as string));
    for (const table of wanted) {
      if (!present.has(table)) await define(client, createTableStatement(keyspace, table));
    }
  } catch (error) {
    throw asStoreError(error);
  } finally {
    await shutDown(client);
  }
}

/** Every keyspace there is. @throws StoreError */
export function listKeyspaces(settings: CassandraSettings): Promise<readonly string[]> {
  return withClient(settings, async (client) => {
    const { rows } = await client.execute('SELECT keyspace_name FROM system_schema.keyspaces');
    return rows.map((row) => row.keyspace_name as string);
  });
}

/** Nothing when there is none. @throws StoreError, also when it holds more than derived tables: it is no set then */
export function dropKeyspace(settings: CassandraSettings): Promise<void> {
  const { keyspace } = settings;
  checkKeyspaceName(keyspace);
  return withClient(settings, async (client) => {
    const { rows } = await client.execute(
      'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?',
      [keyspace],
      { prepare: true },
    );
    const own = rows.map((row) => row.table_name as string).filter((table) => !DERIVED_TABLES.includes(table));
    if (own.length > 0)
      throw new StoreError(`keyspace ${keyspace} is not dropped: it is no set of tables, it has ${own.join(', ')}`);
    await define(client, `DROP KEYSPACE IF EXISTS ${keyspace}`);
  });
}

/** Removes every row of these tables, on every node. @throws StoreError, also when a node is away */
export function truncateTables(settings: CassandraSettings, tables: readonly string[]): Promise<void> {
  checkKeyspaceName(settings.keyspace);
  return withClient(settings, async (client) => {
    for (const table of tables) await client.execute(`TRUNCATE ${settings.keyspace}.${table}`);
  });
}

/** On a client of its own, without a keyspace, which may take its time. */
async function withClient<T>(settings: CassandraSettings, use: (client: Client) => Promise<T>): Promise<T> {
  const client = newClient(clientOptions({ ...settings, timeout_ms: settings.timeout_ms ?? REMOVE_MS_MAX }));
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw asStoreError(error);
  } finally {
    await shutDown(client);
  }
}

async function define(client: Client, text: string): Promise<void> {
  const { info } = await client.execute(text);
  // The driver waits for the nodes to agree, and says whether they did; its types do not know.
  if (!(info as { isSchemaInAgreement?: boolean }).isSchemaInAgreement)
    throw new StoreError(`the nodes did not agree on the schema within ${SCHEMA_AGREEMENT_S_MAX} s`);
}
