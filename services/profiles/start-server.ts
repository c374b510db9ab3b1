// One process of fanlog: its roles on the profile that the configuration asks for.
//
// Opened in order, closed in the reverse one. When a step fails, what was opened before it is closed again.
import type { Configuration } from '../kernel/configuration.ts';
import { createLogger, type Logger, withFields } from '../kernel/logger.ts';
import { Metrics } from '../kernel/metrics.ts';
import type { Runtime } from '../kernel/runtime.ts';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { info, Readiness, stageMetrics, startOperations, startProcessMetrics } from '../operations/index.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { Tables } from '../ports/store/live-tables.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import { Closing } from './closing.ts';
import { openDemoUsers } from './demo-content.ts';
import { openCluster } from './open-cluster.ts';
import { openEmbedded } from './open-embedded.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import { ROLES, type Role, roleText } from './roles.ts';
import { listenError, StartError } from './start-error.ts';
import { type ProcessHealth, type RoleOptions, type RunningRoles, startRoles } from './start-roles.ts';

export interface ServerOptions extends RoleOptions {
  /** All of them by default. In the embedded profile only tests leave some out. */
  readonly roles?: ReadonlySet<Role>;
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** The process should be ended, and started again: topics or tables are not those any more that it started on. */
  readonly onStale?: (why: string) => void;
}

export interface Server extends RunningRoles {
  readonly log: EventLog;
  /** The base set: accounts, and whatever else is not derived. */
  readonly base: StateStore;
  readonly tables: Tables;
  /** That of the tables in force now. */
  readonly store: StateStore;
  readonly metrics: Metrics;
  readonly runtime: Runtime;
  /** `http://localhost:<port>`: `/livez`, `/readyz`, `/metrics`. */
  readonly operationsUrl: string;
  /** Closes everything; the data folder is free then. */
  stop(): Promise<void>;
}

/** @throws StartError, DataFolderError: with a sentence for whoever started it. */
export async function startServer(configuration: Configuration, options: ServerOptions = {}): Promise<Server> {
  const closing = new Closing();
  try {
    return await start(configuration, options, closing);
  } catch (error) {
    await closing.closeAll().catch(() => {}); // what failed first is what matters
    throw error;
  }
}

/** Makes keyspace, tables and topics, and checks them; starts nothing. Cluster profile only. @throws StartError */
export async function createCluster(configuration: Configuration, parts: ProcessParts): Promise<void> {
  const { cluster } = configuration;
  if (cluster === null) throw new StartError('There is nothing to create: the embedded profile makes its own folder.');
  const closing = new Closing();
  try {
    await openCluster(configuration, cluster, parts, { clientId: 'fanlog.create', onStale: () => {} }, closing);
  } finally {
    await closing.closeAll();
  }
}

async function start(configuration: Configuration, options: ServerOptions, closing: Closing): Promise<Server> {
  const { runtime = systemRuntime, roles = new Set(ROLES) } = options;
  const logger = withFields(options.logger ?? createLogger(configuration.logLevel, () => runtime.now()), {
    role: roleText(roles),
  });
  const parts: ProcessParts = { runtime, logger, metrics: new Metrics() };
  const health = await openOperations(configuration, roles, parts, closing).catch(async (error: unknown) => {
    // That another process has the folder says more than that it has our ports too.
    if (configuration.cluster === null) await openPorts(configuration, roles, parts, options, closing);
    throw error;
  });
  const opened = await openPorts(configuration, roles, parts, options, closing);
  await refuseDemoUsers(configuration, opened.store, runtime);
  const running = await startRoles(roles, configuration, opened, parts, options, health, closing);
  const { log, store: base, tables } = opened;
  const stop = () => {
    health.readiness.drain();
    return closing.closeAll();
  };
  return {
    ...running,
    log,
    base,
    tables,
    get store() {
      return tables.current().store;
    },
    runtime,
    metrics: parts.metrics,
    operationsUrl: health.url,
    stop,
  };
}

/** Before anything else, so that a process that waits for its servers says so. @throws StartError */
async function openOperations(
  { operationsPort }: Configuration,
  roles: ReadonlySet<Role>,
  { runtime, logger, metrics }: ProcessParts,
  closing: Closing,
): Promise<ProcessHealth & { readonly url: string }> {
  const readiness = new Readiness(roles);
  const own = startProcessMetrics(runtime.now());
  closing.add(() => own.stop());
  const about = info('fanlog_process_info', 'What this process runs.', { roles: roleText(roles) });
  const collectors = [() => [about], stageMetrics(metrics, roles), own.collect];
  const report = () => readiness.report();
  const server = await startOperations({ port: operationsPort, logger, report, collectors }).catch((error: unknown) => {
    throw listenError(error, operationsPort, 'FANLOG_OPERATIONS_PORT');
  });
  closing.add(() => server.close());
  return { readiness, collectors, url: `http://localhost:${server.port}` };
}

function openPorts(
  configuration: Configuration,
  roles: ReadonlySet<Role>,
  parts: ProcessParts,
  options: ServerOptions,
  closing: Closing,
): Promise<OpenedPorts> {
  const { cluster } = configuration;
  const onStale = options.onStale ?? ((why: string) => parts.logger.error('this process is out of date', { why }));
  if (cluster === null) return openEmbedded(configuration, parts, onStale, closing);
  return openCluster(configuration, cluster, parts, { clientId: `fanlog.${[...roles].join('.')}`, onStale }, closing);
}

// What was used in development may come along into production.
async function refuseDemoUsers({ environment, data, cluster }: Configuration, store: StateStore, runtime: Runtime) {
  if (environment !== 'production') return;
  const open = await openDemoUsers(store, runtime);
  if (open.length === 0) return;
  const where = cluster === null ? `data folder ${data}` : `keyspace ${cluster.keyspace}`;
  const advice = `Name a new one (${cluster === null ? 'FANLOG_DATA' : 'FANLOG_KEYSPACE'}).`;
  throw new StartError(`The ${where} holds demo users (${open.join(' and ')}), whose passwords are public. ${advice}`);
}
