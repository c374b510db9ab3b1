// fanlog's cluster profile on this machine: Kafka, Cassandra, Redis and any number of every role, each a process of its
// own, supervised by the process that calls this.
//
//   ports ─▶ servers ─▶ tables and topics (main.js --create, once) ─▶ roles, side by side ─▶ ready
//
// Whatever ends us ends everything: roles see their standard input closed (a reaper looks after those that do not),
// servers have their watchdogs.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../../../services/profiles/roles.ts';
import { LOCAL_DATACENTER } from '../cassandra.ts';
import { tailOf } from '../log-tail.ts';
import { projectFolder } from '../project-folder.ts';
import { type LocalServer, startServers } from '../servers.ts';
import type { Cluster, ClusterOptions, RoleStatus, ServerStatus } from './cluster.ts';
import { ClusterError, notStarted } from './cluster-error.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { createTables } from './create-tables.ts';
import { PortPlan } from './port-plan.ts';
import { Reaper } from './reaper.ts';
import { roleEnvironment } from './role-environment.ts';
import { programOfRole, type RoleProgram } from './role-program.ts';
import { programOfServer } from './server-program.ts';
import { SupervisedProcess } from './supervised-process.ts';

export const ROLES_DEFAULT: Readonly<Record<Role, number>> = { api: 1, edge: 2, fanout: 2, inbox: 2 };

/** In the table; they are started side by side. */
const ORDER: readonly Role[] = ['api', 'edge', 'fanout', 'inbox'];
const STOP_ORDER: readonly (readonly Role[])[] = [['api', 'edge'], ['fanout'], ['inbox']];

const SOCKET_PATH = '/v1';
/** As `npm start` (infra/decisions/0007). */
const NODE_ARGUMENTS = ['--max-semi-space-size=32'];
const READY_MS_MAX = 60_000;
const POLL_MS = 20;

/** Resolves when every role is ready. Rejects with ClusterError or LocalServerError; then nothing is left running. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const cluster = new LocalCluster(options);
  const breakOff = () => void cluster.stop();
  options.signal?.addEventListener('abort', breakOff);
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', breakOff);
  }
}

type SupervisedRole = RoleProgram & { readonly process: SupervisedProcess };

class LocalCluster implements Cluster {
  readonly #options: ClusterOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #progress: (line: string) => void;
  readonly #ports: PortPlan;
  readonly #reaper: Reaper;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #roles: SupervisedRole[] = [];
  /** Of those that were started again from another build, by name. */
  readonly #mainFiles = new Map<string, string>();
  #servers: readonly LocalServer[] = [];
  #supervisedServers: readonly SupervisedProcess[] = [];
  /** One after the other: names and ports are counted. */
  #adding: Promise<unknown> = Promise.resolve();
  #isStopping = false;
  readonly keyspace: string;
  readonly prefix: string;
  readonly secret: string;
  readonly logFolder: string;
  kafka = '';
  cassandra = '';
  redis = '';

  constructor(options: ClusterOptions) {
    const env = options.env ?? process.env;
    this.#options = options;
    this.#env = env;
    this.#progress = options.progress ?? (() => {});
    this.#ports = new PortPlan(options.ports);
    this.#reaper = options.reaper ?? new Reaper();
    if (options.onEvent !== undefined) this.onEvent(options.onEvent);
    this.keyspace = options.keyspace ?? (env.FANLOG_KEYSPACE?.trim() || 'fanlog');
    this.prefix = options.prefix ?? env.FANLOG_PREFIX?.trim() ?? '';
    this.secret = env.FANLOG_SECRET?.trim() || randomBytes(32).toString('base64url');
    this.logFolder = resolve(options.logFolder);
  }

  get apiUrl(): string {
    return `http://localhost:${this.#roles.find(({ role }) => role === 'api')?.port}`;
  }

  get edgeUrls(): readonly string[] {
    return this.#roles
      .filter(({ role, process }) => role === 'edge' && process.state !== 'stopped')
      .map(({ port }) => `ws://localhost:${port}${SOCKET_PATH}`);
  }

  async start(): Promise<void> {
    mkdirSync(this.logFolder, { recursive: true });
    for (const role of ORDER) {
      const count = this.#options.roles?.[role] ?? ROLES_DEFAULT[role];
      for (let index = 0; index < count; index++) await this.#prepare(role, 'refuse');
    }
    await this.#startServers();
    this.#refuseIfStopping();
    await this.#createTables();
    this.#refuseIfStopping();
    const started_ms = performance.now();
    for (const { process } of this.#roles) process.start();
    const failed = () => this.#roles.find(({ process }) => process.failure !== null);
    await this.#untilReady(this.#options.ready_ms_max ?? READY_MS_MAX, failed);
    const seconds = ((performance.now() - started_ms) / 1000).toFixed(1);
    this.#progress(`${this.#roles.map(({ name }) => name).join(', ')}: ready after ${seconds} s`);
  }

  processes(): readonly RoleStatus[] {
    return this.#roles.map(({ process, ...role }) => {
      const { pid, state, restarts } = process;
      return { ...role, pid, state, restarts };
    });
  }

  servers(): readonly ServerStatus[] {
    return this.#servers.map(({ name, address, log, pid }) => {
      const supervised = this.#supervisedServers.find((process) => process.name === name);
      if (supervised === undefined) return { name, address, pid, log, state: null, restarts: 0 };
      const { state, restarts } = supervised;
      return { name, address, pid: supervised.pid, log, state, restarts };
    });
  }

  add(role: Role): Promise<string> {
    const added = this.#adding.then(() => this.#add(role));
    this.#adding = added.catch(() => {});
    return added;
  }

  async #add(role: Role): Promise<string> {
    this.#refuseIfStopping();
    const { name, process } = await this.#prepare(role, 'pass over');
    this.#refuseIfStopping();
    process.start();
    await this.#untilReady(this.#options.ready_ms_max ?? READY_MS_MAX);
    if (role === 'edge') {
      for (const api of this.#roles.filter(({ role }) => role === 'api')) await api.process.cycle();
    }
    return name;
  }

  async stopRole(name: string): Promise<void> {
    await this.#named(name).process.stop();
  }

  async restartFrom(name: string, mainFile: string): Promise<void> {
    const { process } = this.#named(name);
    this.#mainFiles.set(name, mainFile);
    await process.cycle();
  }

  kill(name: string, signal: NodeJS.Signals): void {
    if (!this.#named(name).process.kill(signal)) throw new ClusterError(`${name} is not running at the moment.`);
  }

  whenReady(wait_ms = READY_MS_MAX): Promise<void> {
    return this.#untilReady(wait_ms);
  }

  onEvent(listener: (event: ClusterEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const group of STOP_ORDER) {
      const roles = this.#roles.filter(({ role }) => group.includes(role));
      await Promise.all(roles.map(({ process }) => process.stop()));
    }
    this.#reaper.close();
    await Promise.all(this.#supervisedServers.map((process) => process.stop()));
  }

  async #startServers(): Promise<void> {
    const { servers: given, dataFolder, signal } = this.#options;
    if (given !== undefined) {
      Object.assign(this, given);
      const own = { pid: null, log: null, kind: 'own', stop: async () => {} } as const;
      this.#servers = Object.entries(given).map(([name, address]) => {
        return { ...own, name: name as LocalServer['name'], address };
      });
      return;
    }
    const servers = await startServers({
      env: this.#env,
      progress: this.#progress,
      keep: false,
      ...(dataFolder === undefined ? {} : { dataFolder: resolve(dataFolder) }),
      ...(signal === undefined ? {} : { signal }),
      logFolder: this.logFolder,
    });
    const { kafka, cassandra, redis, all } = servers;
    Object.assign(this, { kafka, cassandra, redis });
    this.#servers = all;
    this.#supervisedServers = all.flatMap((server) => {
      const program = programOfServer(server);
      return program === null ? [] : [this.#supervise(program)];
    });
    for (const process of this.#supervisedServers) process.start();
  }

  async #createTables(): Promise<void> {
    const started_ms = performance.now();
    await createTables(this.#mainFile(), this.#environment(), join(this.logFolder, 'create.log'));
    this.#progress(`tables and topics: there after ${((performance.now() - started_ms) / 1000).toFixed(1)} s`);
  }

  async #prepare(role: Role, whenTaken: 'refuse' | 'pass over'): Promise<SupervisedRole> {
    const name = `${role}-${this.#roles.filter((other) => other.role === role).length + 1}`;
    const hasPort = role === 'api' || role === 'edge';
    const program: RoleProgram = {
      name,
      role,
      port: hasPort ? await this.#ports.take(role, name, whenTaken) : null,
      operationsPort: await this.#ports.take('operations', name, whenTaken),
      log: join(this.logFolder, `${name}.log`),
    };
    const settings = {
      mainFile: () => this.#mainFiles.get(name) ?? this.#mainFile(),
      nodeArguments: this.#options.nodeArguments ?? NODE_ARGUMENTS,
      // Two apis that start together would both make the demo users' first group.
      environment: () => (name === 'api-1' || role !== 'api' ? this.#environment() : this.#withoutDemo()),
      reaper: this.#reaper,
    };
    const supervised = { ...program, process: this.#supervise(programOfRole(program, settings)) };
    this.#roles.push(supervised);
    return supervised;
  }

  #supervise(program: ConstructorParameters<typeof SupervisedProcess>[0]): SupervisedProcess {
    const emit = (event: ClusterEvent) => {
      for (const listener of this.#listeners) listener(event);
    };
    return new SupervisedProcess(program, { restart: this.#options.restart ?? true, emit });
  }

  #withoutDemo(): NodeJS.ProcessEnv {
    return { ...this.#environment(), FANLOG_DEMO: 'off' };
  }

  #environment(): NodeJS.ProcessEnv {
    const { kafka, cassandra, redis, keyspace, prefix, secret, edgeUrls } = this;
    const dataCenter = this.#env.FANLOG_CASSANDRA_DC?.trim() || LOCAL_DATACENTER;
    return roleEnvironment(this.#env, {
      ...{ kafka, cassandra, dataCenter, redis },
      ...{ keyspace, prefix, secret, edgeUrls },
    });
  }

  #refuseIfStopping(): void {
    if (this.#isStopping) throw new ClusterError('The cluster is being stopped.');
  }

  #mainFile(): string {
    return this.#options.mainFile ?? join(projectFolder(), 'dist', 'main.js');
  }

  #named(name: string): SupervisedRole {
    const role = this.#roles.find((other) => other.name === name);
    if (role !== undefined) return role;
    const names = this.#roles.map((other) => other.name).join(', ');
    throw new ClusterError(`${name}: there is no such process. There are ${names}.`);
  }

  async #untilReady(wait_ms: number, failed: () => SupervisedRole | undefined = () => undefined): Promise<void> {
    const deadline_ms = performance.now() + wait_ms;
    const late = () => this.#roles.filter(({ process }) => process.state !== 'ready' && process.state !== 'stopped');
    for (; late().length > 0; await sleep(POLL_MS)) {
      this.#refuseIfStopping(); // first: what is being stopped ends, and has not failed
      const guilty = failed();
      if (guilty !== undefined) throw notStarted(guilty.name, guilty.log);
      if (performance.now() < deadline_ms) continue;
      const [first] = late();
      const names = late().map(({ name }) => name);
      const verb = names.length === 1 ? 'was' : 'were';
      throw new ClusterError(
        `${names.join(', ')} ${verb} not ready within ${wait_ms / 1000} s. The end of ${first!.log}:\n${tailOf(first!.log)}`,
      );
    }
    this.#refuseIfStopping(); // all of them stopped is not ready
  }
}
