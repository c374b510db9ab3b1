// What the processes of the simulated deployment run: the real stages, over simulated ports.
import { CommandGateway } from '../../../services/api/command-gateway.ts';
import { EdgeNode } from '../../../services/edge/edge-node.ts';
import { startFanout } from '../../../services/fanout/index.ts';
import { startInbox } from '../../../services/inbox/index.ts';
import type { Authenticator } from '../../../services/kernel/authentication.ts';
import { limits } from '../../../services/kernel/limits.ts';
import type { Runtime } from '../../../services/kernel/runtime.ts';
import { CommandAppender } from '../../../services/ports/log/command-appender.ts';
import { LiveTables, type Tables } from '../../../services/ports/store/live-tables.ts';
import { watchGeneration } from '../../../services/profiles/generation-watch.ts';
import type { RoleContext, StartRole } from './role.ts';

export const EPOCH = 1;
const HOUR_MS = 3_600_000;
const encoder = new TextEncoder();

/** Shorter than in production, so that dead connections are found while the seed runs. */
const EDGE_LIMITS = { ...limits, heartbeat_ms: 5_000 };

export const fanoutRole: StartRole = async (context) => {
  const { world, process, name, metrics, logger } = context;
  const { settings } = world;
  const stage = await startFanout({
    name,
    runtime: process.runtime,
    log: world.log.connect(process),
    tables: await followTables(context),
    delivery: world.delivery.connect(process),
    metrics,
    logger,
    settings: {
      slice_records_max: settings.slice_records_max,
      slice_copies_max: settings.slice_copies_max,
      flush_interval_ms: settings.flush_interval_ms,
      conversations_cached_max: settings.cached_max,
    },
  });
  return { stop: () => stage.close(), healthy: () => stage.healthy() };
};

export const inboxRole: StartRole = async (context) => {
  const { world, process, name, metrics, logger } = context;
  const { settings } = world;
  const stage = await startInbox({
    name,
    runtime: process.runtime,
    log: world.log.connect(process),
    tables: await followTables(context),
    registry: world.registry.connect(process),
    delivery: world.delivery.connect(process),
    metrics,
    logger,
    settings: {
      slice_records_max: settings.slice_records_max,
      slice_rows_max: settings.slice_copies_max,
      flush_interval_ms: settings.flush_interval_ms,
      heads_cached_max: settings.cached_max,
      hints_pending_max: 4,
    },
  });
  return { stop: () => stage.close(), healthy: () => stage.healthy() };
};

export const edgeRole: StartRole = async (context) => {
  const { world, process, name, incarnation, metrics, logger } = context;
  const node = new EdgeNode({
    address: { node: name, incarnation },
    runtime: process.runtime,
    log: world.log.connect(process),
    tables: await followTables(context),
    registry: world.registry.connect(process),
    delivery: world.delivery.connect(process),
    authenticator: authenticatorOf(process.runtime),
    limits: EDGE_LIMITS,
    metrics,
    logger,
  });
  await node.start();
  const url = `ws://${name}`;
  world.network.listen(url, {
    process,
    accept: (socket) => {
      const session = node.accept(socket);
      return {
        onFrame: (text) => session.onFrame(encoder.encode(text)),
        onDrained: () => session.onWritable(),
        onClosed: () => session.onClose(),
      };
    },
  });
  return {
    stop: () => {
      world.network.unlisten(url);
      return node.drain();
    },
  };
};

export const apiRole: StartRole = async ({ world, process, name, incarnation, metrics, logger }) => {
  const address = { node: name, incarnation };
  const log = world.log.connect(process);
  const appender = new CommandAppender({ log, runtime: process.runtime, logger, metrics });
  const { messages } = log.layout.partitions;
  const gateway = new CommandGateway({ address, appender, partitions: messages, runtime: process.runtime });
  await world.delivery.connect(process).open(
    address,
    (records) => {
      for (const record of records) if (record.type === 'outcome') gateway.onOutcome(record);
    },
    () => {},
  );
  world.issuer.onApi(gateway, process);
  return {};
};

/** Those in force, and whatever is put in force later. */
async function followTables({ world, process, name, logger }: RoleContext): Promise<Tables> {
  const { runtime } = process;
  const store = world.store.connect(process);
  const known = await store.loadGeneration();
  if (known === null) throw new Error('there is no generation');
  const sets = { open: (number: number) => world.store.openSet(process, number) };
  const tables = await LiveTables.open(sets, known, { runtime, logger });
  tables.onSwitch(() => world.followed++);
  const onStale = (why: string) => world.violations.add(`${name} ends: ${why}`);
  watchGeneration({ store, tables, known, runtime, logger, onStale });
  return tables;
}

/** A token is the user's name. */
function authenticatorOf(runtime: Runtime): Authenticator {
  return { verify: (token) => Promise.resolve({ user: token, expiresAt: runtime.now() + 24 * HOUR_MS }) };
}
