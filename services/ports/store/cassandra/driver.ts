// The driver, set up as this store needs it. Statements go through CassandraSession; only keyspaces.ts asks it directly.
import cassandra from '@scylladb/cassandra-driver';
import { StoreError } from '../state-store.ts';
import type { Replication } from './schema.ts';
import { ForbiddenStatementError } from './statement-error.ts';

export interface CassandraSettings {
  /** `host:port`, any of the nodes. */
  readonly contactPoints: readonly string[];
  readonly dataCenter: string;
  readonly keyspace: string;
  readonly replication: Replication;
  /** Those made where they are missing; all of them by default. */
  readonly tables?: readonly string[];
  readonly credentials?: { readonly username: string; readonly password: string };
  /** 2,048 on a connection is the driver's end; 384 keep two cores of servers busy and wait 10 ms at worst. */
  readonly inFlight_max?: number;
  /** A request that is not answered has failed. Servers give up after 2 s (writes) and 5 s (reads). */
  readonly timeout_ms?: number;
}

const TIMEOUT_MS = 5_000;
/** The driver's own schedule grows to ten minutes; a store that is back should be used within a second. */
const RECONNECT_MS = 1_000;
export const SCHEMA_AGREEMENT_S_MAX = 30;

export type Client = cassandra.Client;

export function clientOptions(settings: CassandraSettings, keyspace?: string): cassandra.DseClientOptions {
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
 * A host that the driver drops from its list, because a node left or a connection was lost while it asked for the list,
 * goes on reconnecting for ever, also after the client was shut down (4.10.0: its pool is reset when it is drained). So
 * hosts are remembered, and shut down with the client.
 */
const hostsOf = new WeakMap<cassandra.Client, Set<cassandra.Host>>();

export function newClient(options: cassandra.DseClientOptions): cassandra.Client {
  const client = new cassandra.Client(options);
  const hosts = new Set<cassandra.Host>();
  hostsOf.set(client, hosts);
  client.on('hostAdd', (host: cassandra.Host) => hosts.add(host));
  client.on('hostRemove', (host: cassandra.Host) => hosts.add(host));
  client.on('hostDown', (host: cassandra.Host) => hosts.add(host));
  return client;
}

export async function shutDown(client: cassandra.Client): Promise<void> {
  await client.shutdown().catch(() => {});
  for (const host of hostsOf.get(client) ?? []) {
    await (host as cassandra.Host & { shutdown(wait: boolean): Promise<void> }).shutdown(false).catch(() => {});
  }
}

export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreError || error instanceof ForbiddenStatementError) return error;
  return new StoreError(`the store did not do it: ${reasonOf(error)}`, { cause: error });
}

/** On one line: when no host is left, the driver's own message has the stack of the last failure in it. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return reason.split('\n', 1)[0]!;
}
