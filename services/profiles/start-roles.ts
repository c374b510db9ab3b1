// Starts a set of roles on the ports of a profile; the same code for both profiles, one process or many.
//
//   inbox, fanout ─▶ edge ─▶ api       started in this order, so that each finds its reader; closed in the reverse one
import { ApiNode, ApplicationUsers, type CommandGateway } from '../api/index.ts';
import { EdgeNode } from '../edge/edge-node.ts';
import { listenForSockets, SOCKET_PATH } from '../edge/socket-server.ts';
import { isUserId } from '../events/ids.ts';
import { startFanout } from '../fanout/index.ts';
import { startInbox } from '../inbox/index.ts';
import type { Configuration } from '../kernel/configuration.ts';
import { limits } from '../kernel/limits.ts';
import { withFields } from '../kernel/logger.ts';
import { sleep } from '../kernel/runtime.ts';
import { Tokens } from '../kernel/tokens.ts';
import type { Collector, Readiness } from '../operations/index.ts';
import type { Closing } from './closing.ts';
import type { OpenedPorts, ProcessParts } from './opened-ports.ts';
import { findPageFolder } from './page-folder.ts';
import { RoleProofs } from './role-proofs.ts';
import type { Role } from './roles.ts';
import { listenError, StartError } from './start-error.ts';

const READY_POLL_MS = 10;

export interface RoleOptions {
  /** Shorter in tests. */
  readonly command_retry_ms?: number;
  readonly command_deadline_ms?: number;
  /** Another consumer group than usual, on the same checkpoints: a second set of owners (tests, repairs). */
  readonly groups?: { readonly fanout: string; readonly inbox: string };
}

/** What the process tells its operators; the roles add to it as they come up. */
export interface ProcessHealth {
  readonly readiness: Readiness;
  readonly collectors: Collector[];
}

/** One process's roles, running. */
export interface RunningRoles {
  readonly roles: ReadonlySet<Role>;
  /** `http://localhost:<port>`; null without the role. */
  readonly apiUrl: string | null;
  /** `ws://localhost:<port>/v1`; null without the role. */
  readonly edgeUrl: string | null;
  readonly tokens: Tokens;
  /** Commands with their outcomes; null without the api. */
  readonly gateway: CommandGateway | null;
  /** Every role here does its work; of the api: a message can be sent and would be delivered. */
  ready(): boolean;
  /** Resolves when it is ready; rejects with StartError when it is not within `wait_ms`. */
  whenReady(wait_ms?: number): Promise<void>;
  /** Not ready from now on; sends the connections elsewhere. */
  drain(): Promise<void>;
}

/** What was started before a step failed is in `closing`. @throws StartError */
export async function startRoles(
  roles: ReadonlySet<Role>,
  configuration: Configuration,
  opened: OpenedPorts,
  parts: ProcessParts,
  options: RoleOptions,
  { readiness, collectors }: ProcessHealth,
  closing: Closing,
): Promise<RunningRoles> {
  const { runtime } = parts;
  const ports = { ...parts, ...opened };
  const proofs = new RoleProofs({ roles, ports, readiness, collectors, closing });
  const drains: (() => unknown)[] = [];
  const { appKey } = configuration;
  const tokens = new Tokens({ secret: opened.secret, appKey, isUser: isUserId, runtime });
  const users = new ApplicationUsers(tokens, opened.store, runtime);
  const incarnation = Buffer.from(runtime.randomBytes(8)).toString('hex');
  const loggerOf = (role: Role) => withFields(parts.logger, { role, node: incarnation });

  for (const [role, start] of [
    ['inbox', startInbox],
    ['fanout', startFanout],
  ] as const) {
    if (!roles.has(role)) continue;
    const name = `${role}.${incarnation}`;
    const stage = await start({ ...ports, name, logger: loggerOf(role) }, options.groups?.[role]);
    closing.add(() => stage.close());
    proofs.addStage(role, stage);
  }

  let edgeUrlAt: ((hostname: string) => string) | null = null;
  if (roles.has('edge')) {
    const address = { node: 'edge', incarnation };
    const { framesPerSecond } = configuration;
    const prober = proofs.proberOf('edge', address);
    const edge = new EdgeNode({
      ...ports,
      logger: loggerOf('edge'),
      address,
      authenticator: users,
      limits,
      framesPerSecond,
      onCanary: (record) => prober.onCanary(record),
    });
    await edge.start();
    closing.add(() => edge.stop());
    const sockets = await listenForSockets({ node: edge, limits, port: configuration.edgePort });
    if ('failed' in sockets) throw new StartError(sockets.message);
    closing.add(() => sockets.close());
    edgeUrlAt = (hostname) => `ws://${hostname}:${sockets.port}${SOCKET_PATH}`;
    proofs.start('edge', prober, () => edge.whyNotReady());
    drains.push(() => sockets.stopListening());
    drains.push(() => edge.drain());
  }

  let api: ApiNode | null = null;
  if (roles.has('api')) {
    const address = { node: 'api', incarnation };
    const prober = proofs.proberOf('api', address);
    const node = new ApiNode({
      ...ports,
      ...options,
      logger: loggerOf('api'),
      address,
      port: configuration.port,
      edgeUrls: edgeUrlsOf(configuration, edgeUrlAt),
      tokens,
      users,
      appKey,
      pageFolder: findPageFolder(),
      onCanary: (record) => prober.onCanary(record),
      isReady: () => readiness.ready(),
    });
    closing.add(() => node.stop());
    await node.start().catch((error: unknown) => {
      throw listenError(error, configuration.port);
    });
    proofs.start('api', prober, () => (node.confirmsAppends() ? null : 'the log does not confirm what is appended'));
    drains.unshift(() => node.drain());
    api = node;
  }

  await proofs.startStages(incarnation);
  return {
    roles,
    apiUrl: api === null ? null : `http://localhost:${api.port}`,
    edgeUrl: edgeUrlAt?.('localhost') ?? null,
    tokens,
    gateway: api?.gateway ?? null,
    ready: () => readiness.ready(),
    whenReady: async (wait_ms = 30_000) => {
      const deadline = runtime.monotonic() + wait_ms;
      while (!readiness.ready()) {
        if (runtime.monotonic() > deadline) throw new StartError(`It was not ready within ${wait_ms} ms.`);
        await sleep(runtime, READY_POLL_MS);
      }
    },
    drain: async () => {
      readiness.drain();
      for (const drain of drains) await drain();
    },
  };
}

/** What clients are told: the setting, or the edge of this very process. @throws StartError when there is neither */
function edgeUrlsOf(
  { edgeUrls }: Configuration,
  own: ((hostname: string) => string) | null,
): (hostname: string) => readonly string[] {
  if (edgeUrls !== null) return () => edgeUrls;
  if (own !== null) return (hostname) => [own(hostname)];
  throw new StartError(
    'FANLOG_EDGE_URLS is not set, and this process has an api without an edge: clients would not know where to connect. ' +
      'Set the WebSocket addresses of the edges (ws://host:8081/v1), separated by commas, or add the role edge.',
  );
}
