// The one way to the driver. Everything goes through the guard of statement.ts and through the gate, is prepared, reads
// and writes at LOCAL_QUORUM, and fails as StoreError.
import cassandra from '@scylladb/cassandra-driver';
import { StoreError } from '../state-store.ts';
import { asStoreError, type CassandraSettings, clientOptions, newClient, shutDown } from './driver.ts';
import { InFlightGate } from './in-flight-gate.ts';
import { ensureSchema } from './keyspaces.ts';
import { routingKeyOf } from './routing-key.ts';
import type { Replication } from './schema.ts';
import { checkExecution, type Statement } from './statement.ts';
import { ForbiddenStatementError } from './statement-error.ts';
import type { ReplicasOf } from './write-groups.ts';

const IN_FLIGHT_MAX = 384;
/** Ten calls of 10,000 rows, 100 bytes each. */
const WAITING_MAX = 100_000;

export type { CassandraSettings } from './driver.ts';
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

  /** The same, a page at a time, for what does not fit in memory. @throws StoreError */
  async *pages(statement: Statement, page_rows: number): AsyncGenerator<readonly Row[]> {
    let pageState: string | null = null;
    do {
      const page: Page = await this.run(statement, [], page_rows, pageState ?? undefined);
      // A server may end a page before the first row.
      if (page.rows.length > 0) yield page.rows;
      pageState = page.pageState;
    } while (pageState !== null);
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
