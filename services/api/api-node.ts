// The HTTP side of fanlog: one server, one delivery stream of its own (outcomes and canaries come back on it).
import Fastify, { type FastifyInstance } from 'fastify';
import { refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { Passwords } from '../kernel/passwords.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { Tokens } from '../kernel/tokens.ts';
import type {
  CanaryDelivery,
  DeliveryReader,
  DeliveryRecord,
  DeliveryStream,
} from '../ports/delivery/delivery-stream.ts';
import { CommandAppender } from '../ports/log/command-appender.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';
import type { Tables } from '../ports/store/live-tables.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import type { ApplicationUsers } from './application-users.ts';
import { CommandGateway } from './command-gateway.ts';
import type { ApiContext } from './context.ts';
import { allowOtherOrigins } from './cross-origin.ts';
import { KnownRoutes } from './known-routes.ts';
import { mapErrors, onFrameworkError } from './map-errors.ts';
import { openApi } from './open-api.ts';
import { PER_ADDRESS, PER_USER, RateLimit } from './rate-limit.ts';
import { formats } from './request-schemas.ts';
import { accountRoutes } from './routes-accounts.ts';
import { conversationRoutes } from './routes-conversations.ts';
import { memberRoutes } from './routes-members.ts';
import { pageRoutes } from './routes-page.ts';
import { registryRoutes } from './routes-registry.ts';
import { serviceRoutes } from './routes-service.ts';

/** A conversation id of 136 bytes, each written as %XX. */
const PARAMETER_CHARACTERS_MAX = 3 * limits.conversation_id_bytes_max;
const REQUEST_BYTES_MAX = limits.frame_bytes_max;

/** Until a whole request has come: 64 KiB on a bad phone network. */
const REQUEST_MS_MAX = 30_000;
/** For answers under way when the server goes down; a command has its outcome in milliseconds. */
const CLOSE_MS_MAX = 3_000;

const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

export interface ApiNodeOptions {
  readonly address: NodeAddress;
  /** 0: any free one; `port` tells which. */
  readonly port: number;
  /** Addresses of edges for a client that reached us under this host name (IPv6 in brackets). */
  readonly edgeUrls: (hostname: string) => readonly string[];
  readonly log: EventLog;
  /** Accounts. */
  readonly store: StateStore;
  /** Derived rows. */
  readonly tables: Tables;
  readonly delivery: DeliveryStream;
  readonly tokens: Tokens;
  readonly users: ApplicationUsers;
  readonly appKey: string | null;
  readonly pageFolder: string | null;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** A canary came back on this node's stream. */
  readonly onCanary: (record: CanaryDelivery) => void;
  /** Whether canaries do, and all is well with whatever else runs in this process. */
  readonly isReady: () => boolean;
  readonly command_retry_ms?: number;
  readonly command_deadline_ms?: number;
}

export class ApiNode {
  readonly #options: ApiNodeOptions;
  readonly #app: FastifyInstance;
  readonly #appender: CommandAppender;
  readonly gateway: CommandGateway;
  #reader: DeliveryReader | null = null;
  #draining = false;

  constructor(options: ApiNodeOptions) {
    this.#options = options;
    const { address, log, runtime, logger, metrics, command_retry_ms, command_deadline_ms } = options;
    this.#appender = new CommandAppender({ log, runtime, logger, metrics });
    this.gateway = new CommandGateway({
      address,
      appender: this.#appender,
      partitions: log.layout.partitions.messages,
      runtime,
      ...(command_retry_ms === undefined ? {} : { retry_ms: command_retry_ms }),
      ...(command_deadline_ms === undefined ? {} : { deadline_ms: command_deadline_ms }),
    });
    this.#app = newServer(runtime);
  }

  /** Listens. Rejects with the system's error when the port is taken. */
  async start(): Promise<void> {
    const { address, delivery, pageFolder, logger } = this.#options;
    const app = this.#app;
    allowOtherOrigins(app);
    // Or its connection would be kept alive, and the close would wait for it.
    app.addHook('onSend', async (_request, reply) => {
      if (this.#draining) reply.header('connection', 'close');
    });
    mapErrors(app, logger, new KnownRoutes(app));
    openApi(app);
    const context = this.#context();
    accountRoutes(app, context);
    conversationRoutes(app, context);
    memberRoutes(app, context);
    serviceRoutes(app, context);
    registryRoutes(app, logger);
    await pageRoutes(app, pageFolder);
    this.#reader = await delivery.open(
      address,
      (records) => this.#onRecords(records),
      () => {}, // a lost outcome is asked for again, a lost canary is followed by another
    );
    await this.#listen();
  }

  /** On all interfaces; `::` is all of them but where IPv6 is switched off. */
  async #listen(): Promise<void> {
    const { port } = this.#options;
    try {
      await this.#app.listen({ host: '::', port });
    } catch (error) {
      if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await this.#app.listen({ host: '0.0.0.0', port });
    }
  }

  get port(): number {
    const address = this.#app.server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** A message can be sent and would be delivered. */
  ready(): boolean {
    return !this.#draining && this.#options.isReady();
  }

  /** False while appends hang: the log is not confirming. */
  confirmsAppends(): boolean {
    return this.#appender.healthy();
  }

  /** From now on not ready, so that balancers send nobody; requests are still answered. */
  drain(): void {
    this.#draining = true;
  }

  /** Answers what is under way, closes the port, then the stream. */
  async stop(): Promise<void> {
    this.drain();
    await this.#close();
    this.#appender.stop();
    await this.#reader?.close();
  }

  /** A socket that says nothing, or half a request, must not hold the process up: after a while it is cut. */
  async #close(): Promise<void> {
    const cut = this.#options.runtime.setTimer(CLOSE_MS_MAX, () => this.#app.server.closeAllConnections());
    await this.#app.close();
    cut.cancel();
  }

  #onRecords(records: readonly DeliveryRecord[]): void {
    for (const record of records) {
      if (record.type === 'outcome') this.gateway.onOutcome(record);
      else if (record.type === 'canary') this.#options.onCanary(record);
    }
  }

  #context(): ApiContext {
    const { runtime, store, tables, tokens, users, appKey, edgeUrls } = this.#options;
    return {
      runtime,
      accounts: store,
      tables,
      tokens,
      users,
      appKey,
      edgeUrls,
      gateway: this.gateway,
      passwords: new Passwords(runtime),
      signInLimit: new RateLimit(runtime, PER_ADDRESS),
      passwordLimit: new RateLimit(runtime, PER_USER),
      unready: () => {
        if (this.#draining) return refusal('draining');
        return this.ready() ? null : refusal('not_ready');
      },
    };
  }
}

function newServer(runtime: Runtime): FastifyInstance {
  return Fastify({
    logger: false,
    bodyLimit: REQUEST_BYTES_MAX,
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_MS_MAX,
    genReqId: () => Buffer.from(runtime.randomBytes(8)).toString('hex'),
    frameworkErrors: onFrameworkError,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, discriminator: true, formats } },
  });
}
