// The one way to the driver. Everything goes through the guard of statement.ts and through the gate, is prepared, reads
// and writes at LOCAL_QUORUM, and fails as StoreError.
import cassandra from '@scylladb/cassandra-driver';
import { StoreError } from '../state-store.ts';
import { InFlightGate } from './in-flight-gate.ts';
import { routingKeyOf } from './routing-key.ts';
import {
  checkKeyspaceName,
  createKeyspaceStatement,
  createTableStatement,
  type Replication,
  TABLE_NAMES,
} from './schema.ts';
import { checkExecution, type Statement } from './statement.ts';
import { ForbiddenStatementError } from './statement-error.ts';
import type { ReplicasOf } from './write-groups.ts';

export interface CassandraSettings {
  /** `host:port`, any of the nodes. */
  readonly contactPoints: readonly string[];
  readonly dataCenter: string;
  readonly keyspace: string;
  readonly replication: Replication;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** 2,048 on a connection is the driver's end; 384 keep two cores of servers busy and wait 10 ms at worst. */
  readonly inFlight_max?: number;
  /** A request that is not answered has failed. Servers give up after 2 s (writes) and 5 s (reads). */
  readonly timeout_ms?: number;
}

const IN_FLIGHT_MAX = 384;
/** Ten calls of 10,000 rows, 100 bytes each. */
const WAITING_MAX = 100_000;
const TIMEOUT_MS = 5_000;
/** The driver's own schedule grows to ten minutes; a store that is back should be used within a second. */
const RECONNECT_MS = 1_000;
const SCHEMA_AGREEMENT_S_MAX = 30;

export type Row = cassandra.types.Row;

export interface Page {
  readonly rows: readonly Row[];
  /** There is more, which was not read. */
  readonly pageState: string | null;
}

export interface BoundStatement {
  readonly statement: Statement;
  readonly parameters: readonly unknown[];
}

const { localQuorum, localSerial } = cassandra.types.consistencies;
const IDEMPOTENT = { prepare: true, isIdempotent: true, consistency: localQuorum } as const;
const CONDITIONAL = { prepare: true, consistency: localQuorum, serialConsistency: localSerial } as const;
const BATCH = { ...IDEMPOTENT, logged: false } as const;

export class CassandraSession {
  readonly #client: cassandra.Client;
  readonly #gate: InFlightGate;
  readonly #keyspace: string;
  readonly #replication: Replication;
  #closed = false;

  private constructor(client: cassandra.Client, settings: CassandraSettings) {
    this.#client = client;
    this.#gate = new InFlightGate(settings.inFlight_max ?? IN_FLIGHT_MAX, WAITING_MAX);
    this.#keyspace = settings.keyspace;
    this.#replication = settings.replication;
  }

  /** Connects, and makes what is missing of keyspace and tables. @throws StoreError */
  static async open(settings: CassandraSettings): Promise<CassandraSession> {
    checkKeyspaceName(settings.keyspace);
    await ensureSchema(settings);
    const client = newClient(clientOptions(settings, settings.keyspace));
    try {
      await client.connect();
    } catch (error) {
      await shutDown(client);
      throw asStoreError(error);
    }
    return new CassandraSession(client, settings);
  }

  /** One statement, one page of at most `rows_max` rows. @throws StoreError */
  async run(statement: Statement, parameters: readonly unknown[], rows_max?: number, pageState?: string) {
    checkExecution(statement, parameters);
    const options: cassandra.QueryOptions = { ...(statement.isConditional ? CONDITIONAL : IDEMPOTENT) };
    if (rows_max !== undefined) options.fetchSize = rows_max;
    if (pageState !== undefined) options.pageState = pageState;
    const result = await this.#inTurn(() => this.#client.execute(statement.text, parameters as unknown[], options));
    return result as Page & cassandra.types.ResultSet;
  }

  /** All rows, page by page: a server may end a page when it likes. @throws StoreError */
  async readAll(statement: Statement, parameters: readonly unknown[], page_rows: number): Promise<readonly Row[]> {
    let page: Page = await this.run(statement, parameters, page_rows);
    if (page.pageState === null) return page.rows;
    const rows = [...page.rows];
    while (page.pageState !== null) {
      page = await this.run(statement, parameters, page_rows, page.pageState);
      rows.push(...page.rows);
    }
    return rows;
  }

  /** As the cluster is now. */
  replicasOf(): ReplicasOf {
    if (this.#client.hosts.length <= replicasWanted(this.#replication)) return null;
    return (key) => {
      const hosts = this.#client.getReplicas(this.#keyspace, routingKeyOf(key)) ?? [];
      return hosts.map(({ address }) => address).join();
    };
  }

  /** Writes of ONE partition are applied together or not at all, others one by one. @throws StoreError */
  async runBatch(bound: readonly BoundStatement[]): Promise<void> {
    const queries = bound.map(({ statement, parameters }) => {
      checkExecution(statement, parameters);
      if (!statement.isWrite || statement.isConditional)
        throw new ForbiddenStatementError(`not for a batch: ${statement.text}`);
      return { query: statement.text, params: parameters as unknown[] };
    });
    await this.#inTurn(() => this.#client.batch(queries, BATCH));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await shutDown(this.#client);
  }

  async #inTurn<T>(request: () => Promise<T>): Promise<T> {
    const turn = this.#gate.enter();
    if (turn !== null) await turn;
    try {
      if (this.#closed) throw new StoreError('the store is closed');
      return await request();
    } catch (error) {
      throw asStoreError(error);
    } finally {
      this.#gate.leave();
    }
  }
}

/** Of one data center: as many nodes altogether have every row. */
function replicasWanted(replication: Replication): number {
  const counts = Object.entries(replication).filter(([name]) => name !== 'class');
  return Math.min(...counts.map(([, count]) => Number(count)));
}

function clientOptions(settings: CassandraSettings, keyspace?: string): cassandra.DseClientOptions {
  return {
    contactPoints: [...settings.contactPoints],
    localDataCenter: settings.dataCenter,
    ...(keyspace === undefined ? {} : { keyspace }),
    ...(settings.credentials === undefined ? {} : { credentials: { ...settings.credentials } }),
    policies: {
      reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(RECONNECT_MS),
      // Off (R7): statements say their timestamp themselves. null is what the driver takes for off.
      timestampGeneration: null as unknown as cassandra.policies.timestampGeneration.TimestampGenerator,
    },
    encoding: { useBigIntAsLong: true },
    socketOptions: { readTimeout: settings.timeout_ms ?? TIMEOUT_MS },
    protocolOptions: { maxSchemaAgreementWaitSeconds: SCHEMA_AGREEMENT_S_MAX },
    monitorReporting: { enabled: false },
  };
}

/**
 * Makes what is missing, one statement after the other, each agreed on by all nodes before the next. What exists is left
 * alone: before Cassandra 5.1 two nodes that create one table at the same moment can disagree about it, so processes
 * that start together look first. To create the schema once before the first start is better still.
 */
async function ensureSchema(settings: CassandraSettings): Promise<void> {
  const { keyspace, replication } = settings;
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
    for (const table of TABLE_NAMES) {
      if (!present.has(table)) await define(client, createTableStatement(keyspace, table));
    }
  } catch (error) {
    throw asStoreError(error);
  } finally {
    await shutDown(client);
  }
}

/**
 * A host that the driver drops from its list, because a node left or a connection was lost while it asked for the list,
 * goes on reconnecting for ever, also after the client was shut down (4.10.0: its pool is reset when it is drained). So
 * hosts are remembered, and shut down with the client.
 */
const hostsOf = new WeakMap<cassandra.Client, Set<cassandra.Host>>();

function newClient(options: cassandra.DseClientOptions): cassandra.Client {
  const client = new cassandra.Client(options);
  const hosts = new Set<cassandra.Host>();
  hostsOf.set(client, hosts);
  client.on('hostAdd', (host: cassandra.Host) => hosts.add(host));
  client.on('hostRemove', (host: cassandra.Host) => hosts.add(host));
  client.on('hostDown', (host: cassandra.Host) => hosts.add(host));
  return client;
}

async function shutDown(client: cassandra.Client): Promise<void> {
  await client.shutdown().catch(() => {});
  for (const host of hostsOf.get(client) ?? []) {
    await (host as cassandra.Host & { shutdown(wait: boolean): Promise<void> }).shutdown(false).catch(() => {});
  }
}

async function define(client: cassandra.Client, text: string): Promise<void> {
  const { info } = await client.execute(text);
  // The driver waits for the nodes to agree, and says whether they did; its types do not know.
  if (!(info as { isSchemaInAgreement?: boolean }).isSchemaInAgreement)
    throw new StoreError(`the nodes did not agree on the schema within ${SCHEMA_AGREEMENT_S_MAX} s`);
}

function asStoreError(error: unknown): unknown {
  if (error instanceof StoreError || error instanceof ForbiddenStatementError) return error;
  return new StoreError(`the store did not do it: ${reasonOf(error)}`, { cause: error });
}

/** On one line: when no host is left, the driver's own message has the stack of the last failure in it. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.split('\n', 1)[0]!;
}
