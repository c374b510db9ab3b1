// The embedded profile: every stage in one process, on one data folder, with the same promises as the cluster.
//
//   data folder ─▶ lmdb ─▶ store ─▶ generation ─▶ log ─▶ inbox, fanout ─▶ edge ─▶ api
//
// Opened in this order, closed in the reverse one. When a step fails, what was opened before it is closed again.
import { ApiNode, ApplicationUsers, type CommandGateway } from '../api/index.ts';
import { EdgeNode } from '../edge/edge-node.ts';
import { listenForSockets, SOCKET_PATH } from '../edge/socket-server.ts';
import { isUserId } from '../events/ids.ts';
import { EMBEDDED_LAYOUT } from '../events/topics.ts';
import { startFanout } from '../fanout/index.ts';
import { startInbox } from '../inbox/index.ts';
import type { Configuration } from '../kernel/configuration.ts';
import { openDataFolder } from '../kernel/data-folder.ts';
import { limits } from '../kernel/limits.ts';
import { createLogger, type Logger } from '../kernel/logger.ts';
import { Metrics } from '../kernel/metrics.ts';
import { type Runtime, sleep } from '../kernel/runtime.ts';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { Tokens } from '../kernel/tokens.ts';
import { MemoryDeliveryStream } from '../ports/delivery/embedded/memory-delivery-stream.ts';
import { LmdbEventLog } from '../ports/log/embedded/lmdb-event-log.ts';
import { type LmdbEnvironment, openEnvironment } from '../ports/log/embedded/open-environment.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import { MemorySessionRegistry } from '../ports/sessions/embedded/memory-session-registry.ts';
import { LmdbStateStore } from '../ports/store/embedded/lmdb-state-store.ts';
import type { GenerationRow, StateStore } from '../ports/store/state-store.ts';
import { damagedLmdbFile } from './check-lmdb-files.ts';
import { checkLogEnds } from './check-log-ends.ts';
import { Closing } from './closing.ts';
import { openDemoUsers } from './demo-content.ts';
import { findPageFolder } from './page-folder.ts';
import { keptSecret } from './session-secret.ts';
import { listenError, StartError } from './start-error.ts';

const READY_POLL_MS = 10;
/**
 * A new folder is a new set of inbox tables, so it gets a name of its own: a browser that remembers a cursor of a folder
 * that was thrown away is told so. Small enough that epoch * 2^40 + inboxSeq stays a number.
 */
const EPOCH_FIRST_MAX = 4_000;

export interface EmbeddedOptions {
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Shorter in tests. */
  readonly command_retry_ms?: number;
  readonly command_deadline_ms?: number;
  /** false: commands are appended, nobody decides them. For tests of what a client is told then. */
  readonly processors?: boolean;
}

export interface EmbeddedServer {
  /** `http://localhost:<port>` and `ws://localhost:<port>/v1`. */
  readonly apiUrl: string;
  readonly edgeUrl: string;
  readonly log: EventLog;
  readonly store: StateStore;
  readonly metrics: Metrics;
  readonly tokens: Tokens;
  readonly gateway: CommandGateway;
  readonly runtime: Runtime;
  /** A message can be sent and would be delivered. */
  ready(): boolean;
  /** Resolves when it is ready; rejects when it is not within `wait_ms`. */
  whenReady(wait_ms?: number): Promise<void>;
  /** Not ready from now on; sends the connections elsewhere. */
  drain(): Promise<void>;
  /** Closes everything and gives the data folder free. After it the same folder can be started again. */
  stop(): Promise<void>;
}

/** @throws StartError, DataFolderError: with a sentence for whoever started it. */
export async function startEmbedded(
  configuration: Configuration,
  options: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const closing = new Closing();
  try {
    return await start(configuration, options, closing);
  } catch (error) {
    await closing.closeAll().catch(() => {}); // what failed first is what matters
    throw error;
  }
}

async function start(
  configuration: Configuration,
  options: EmbeddedOptions,
  closing: Closing,
): Promise<EmbeddedServer> {
  const { runtime = systemRuntime } = options;
  const logger = options.logger ?? createLogger(configuration.logLevel, () => runtime.now());
  const metrics = new Metrics();

  // What is on disk
  const folder = openDataFolder(configuration.data);
  closing.add(() => folder.close());
  const environment = openLmdb(folder.path);
  closing.add(() => environment.close());
  const store = new LmdbStateStore(environment, runtime);
  closing.add(() => store.close());
  const generation = await loadGeneration(store, runtime);
  const layout = { generation: generation.generation, partitions: generation.partitions };
  const log = new LmdbEventLog(environment, layout, runtime);
  closing.add(() => log.close());
  await checkLogEnds(log, store);
  await refuseDemoUsers(configuration, store, runtime);

  // What is in memory
  const registry = new MemorySessionRegistry(runtime);
  closing.add(() => registry.close());
  const delivery = new MemoryDeliveryStream();
  closing.add(() => delivery.close());

  // The stages, the last of the pipe first: each finds its reader there
  const ports = { runtime, log, store, registry, delivery, metrics, logger };
  const stages: { healthy(): boolean }[] = [];
  if (options.processors !== false) {
    for (const start of [startInbox, startFanout]) {
      const stage = await start({ ...ports, name: 'embedded' });
      closing.add(() => stage.close());
      stages.push(stage);
    }
  }

  const secret = configuration.secret ?? keptSecret(folder.path, runtime);
  const { appKey } = configuration;
  const tokens = new Tokens({ secret, appKey, isUser: isUserId, runtime });
  const users = new ApplicationUsers(tokens, store, runtime);
  const incarnation = Buffer.from(runtime.randomBytes(8)).toString('hex');
  const edge = new EdgeNode({
    ...ports,
    address: { node: 'edge', incarnation },
    authenticator: users,
    limits,
    framesPerSecond: configuration.framesPerSecond,
    epoch: generation.epoch,
  });
  await edge.start();
  closing.add(() => edge.stop());
  const sockets = await listenForSockets({ node: edge, limits, port: configuration.edgePort });
  if ('failed' in sockets) throw new StartError(sockets.message);
  closing.add(() => sockets.close());

  const edgeUrlAt = (hostname: string) => `ws://${hostname}:${sockets.port}${SOCKET_PATH}`;
  const api = new ApiNode({
    ...ports,
    ...options,
    runtime,
    logger,
    address: { node: 'api', incarnation },
    port: configuration.port,
    edgeUrls: (hostname) => configuration.edgeUrls ?? [edgeUrlAt(hostname)],
    tokens,
    users,
    appKey,
    pageFolder: findPageFolder(),
    alsoReady: () => edge.ready() && stages.every((stage) => stage.healthy()),
  });
  closing.add(() => api.stop());
  await api.start().catch((error: unknown) => {
    throw listenError(error, configuration.port);
  });

  return {
    apiUrl: `http://localhost:${api.port}`,
    edgeUrl: edgeUrlAt('localhost'),
    log,
    store,
    metrics,
    tokens,
    gateway: api.gateway,
    runtime,
    ready: () => api.ready(),
    whenReady: async (wait_ms = 30_000) => {
      const deadline = runtime.monotonic() + wait_ms;
      while (!api.ready()) {
        if (runtime.monotonic() > deadline) throw new StartError(`It was not ready within ${wait_ms} ms.`);
        await sleep(runtime, READY_POLL_MS);
      }
    },
    drain: async () => {
      api.drain();
      sockets.stopListening();
      await edge.drain();
    },
    stop: () => closing.closeAll(),
  };
}

function openLmdb(folder: string): LmdbEnvironment {
  const advice = 'Restore it from a copy, or name another folder (FANLOG_DATA).';
  const damaged = damagedLmdbFile(folder);
  if (damaged !== null) throw new StartError(`The file ${damaged} is damaged: it is no lmdb file any more. ${advice}`);
  try {
    return openEnvironment(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`The data folder ${folder} cannot be opened (${reason}). ${advice}`, { cause: error });
  }
}

function loadGeneration(store: StateStore, runtime: Runtime): Promise<GenerationRow> {
  const epoch = 1 + Math.floor(runtime.random() * EPOCH_FIRST_MAX);
  return store.createGeneration({ ...EMBEDDED_LAYOUT, epoch });
}

// A folder that was used in development may come along into production.
async function refuseDemoUsers({ environment, data }: Configuration, store: StateStore, runtime: Runtime) {
  if (environment !== 'production') return;
  const open = await openDemoUsers(store, runtime);
  if (open.length === 0) return;
  const names = open.join(' and ');
  throw new StartError(
    `The data folder ${data} holds demo users (${names}), whose passwords are public. Name a new folder (FANLOG_DATA).`,
  );
}
