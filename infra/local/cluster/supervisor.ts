// The process behind `npm run cluster`: holds the cluster, writes its log, answers --status, --add, --remove and --stop.
// When it ends, however it ends, everything that it started ends.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import { ROLES, type Role } from '../../../services/profiles/roles.ts';
import { keptSecret } from '../../../services/profiles/session-secret.ts';
import type { StartArguments } from './arguments.ts';
import type { Cluster, ClusterOptions } from './cluster.ts';
import { ClusterError } from './cluster-error.ts';
import { eventLine } from './cluster-event.ts';
import { beginLogs, type ClusterFolder, clusterFolderAt, removeRecord, writeRecord } from './cluster-folder.ts';
import type { ClusterStatus } from './cluster-status.ts';
import { ControlServer } from './control-server.ts';
import type { FirstPorts } from './port-plan.ts';
import { Reaper } from './reaper.ts';
import { isReady } from './role-program.ts';
import { startCluster } from './start-cluster.ts';

/** What the supervisor tells the process that started it. */
export type SupervisorMessage =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string };

const PORT_DEFAULT = 8080;
const PORT_MAX = 65_535;
const BREAK_OFF_MS_MAX = 15_000;

/** Starts the cluster of a folder, and holds it until it is told to stop; then this process ends. */
export async function supervise(folderPath: string, start: StartArguments, env: NodeJS.ProcessEnv): Promise<void> {
  await new Supervisor(clusterFolderAt(folderPath), start, env).run();
}

class Supervisor {
  readonly #folder: ClusterFolder;
  readonly #start: StartArguments;
  readonly #env: NodeJS.ProcessEnv;
  readonly #breakOff = new AbortController();
  #starting: Promise<Cluster> | null = null;
  #cluster: Cluster | null = null;
  #stopping: Promise<void> | null = null;

  constructor(folder: ClusterFolder, start: StartArguments, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#start = start;
    this.#env = env;
  }

  async run(): Promise<void> {
    beginLogs(this.#folder);
    const leave = () => void this.#stop().then(() => this.#leave());
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, leave);
    if (this.#start.isForeground) process.on('disconnect', leave);
    const control = new ControlServer({
      status: () => this.#status(),
      add: (role) => this.#running().add(knownRole(role)),
      remove: (name) => this.#running().stopRole(name),
      stop: async (tell) => {
        await this.#stop(tell);
        setImmediate(() => this.#leave()); // the answer goes out first
      },
    });
    const reaper = new Reaper();
    const controlPort = await control.listen();
    writeRecord(this.#folder, { pid: process.pid, controlPort, token: control.token, reaper: reaper.pid });
    try {
      this.#starting = startCluster(this.#options(reaper));
      this.#cluster = await this.#starting;
      tellParent({ kind: 'ready' });
      if (!this.#start.isForeground && process.connected) process.disconnect();
    } catch (error) {
      if (this.#breakOff.signal.aborted) return; // whoever did it waits for the end
      const message = error instanceof Error ? error.message : String(error);
      this.#note(message);
      removeRecord(this.#folder);
      tellParent({ kind: 'failed', message }, () => process.exit(1));
    }
  }

  #options(reaper: Reaper): ClusterOptions {
    const env = this.#env;
    const folder = this.#folder;
    const secret = env.FANLOG_SECRET?.trim() || keptSecret(folder.path, systemRuntime);
    return {
      roles: this.#start.counts,
      env: { ...env, FANLOG_SECRET: secret },
      ports: firstPorts(this.#start, env),
      dataFolder: folder.servers,
      logFolder: folder.logs,
      reaper,
      signal: this.#breakOff.signal,
      progress: (line) => {
        this.#note(line);
        tellParent({ kind: 'progress', line });
      },
      onEvent: (event) => this.#note(eventLine(event)),
    };
  }

  #stop(tell: (line: string) => void = () => {}): Promise<void> {
    this.#stopping ??= this.#cluster === null ? this.#stopStarting() : stopTelling(this.#cluster, tell);
    return this.#stopping;
  }

  async #stopStarting(): Promise<void> {
    this.#breakOff.abort();
    const settled = this.#starting?.then((cluster) => cluster.stop()).catch(() => {});
    // What is not down by then, a download for one, ends with us or by itself.
    await Promise.race([settled, sleep(BREAK_OFF_MS_MAX)]);
  }

  #leave(): void {
    removeRecord(this.#folder);
    this.#note(`${new Date().toISOString()} supervisor stopped`);
    process.exit(0);
  }

  #running(): Cluster {
    if (this.#cluster === null) throw new ClusterError('The cluster is still being started.');
    return this.#cluster;
  }

  async #status(): Promise<ClusterStatus> {
    const cluster = this.#running();
    const roles = cluster.processes().map(async (role) => ({
      ...role,
      isReady: role.state === 'ready' && (await isReady(role.operationsPort)),
    }));
    const { apiUrl, edgeUrls, keyspace, prefix, logFolder } = cluster;
    return {
      state: this.#stopping === null ? 'ready' : 'stopping',
      supervisor: process.pid,
      ...{ apiUrl, edgeUrls, keyspace, prefix, logFolder },
      roles: await Promise.all(roles),
      servers: cluster.servers(),
    };
  }

  #note(line: string): void {
    appendFileSync(this.#folder.supervisorLog, `${line}\n`);
    // Until it is ready, whoever started us shows how far it is.
    if (this.#start.isForeground && this.#cluster !== null) process.stdout.write(`${line}\n`);
  }
}

// Apis, then edges, then operations, one port after the other.
function firstPorts({ counts, port }: StartArguments, env: NodeJS.ProcessEnv): FirstPorts {
  const numberOf = (name: string) => {
    const text = env[name]?.trim() ?? '';
    if (text === '') return undefined;
    if (/^[0-9]{1,5}$/.test(text) && Number(text) <= PORT_MAX) return Number(text);
    throw new ClusterError(`${name}: ${text} is no port. Use a number from 0 to ${PORT_MAX}.`);
  };
  const api = port ?? numberOf('PORT') ?? PORT_DEFAULT;
  if (api === 0) return {};
  const edge = numberOf('FANLOG_EDGE_PORT') ?? api + counts.api;
  const operations = numberOf('FANLOG_OPERATIONS_PORT') ?? Math.max(api + counts.api, edge + counts.edge);
  return { api, edge, operations };
}

async function stopTelling(cluster: Cluster, tell: (line: string) => void): Promise<void> {
  cluster.onEvent(({ process, what }) => {
    if (what === 'stopped') tell(process);
  });
  await cluster.stop();
}

function knownRole(role: string): Role {
  if ((ROLES as readonly string[]).includes(role)) return role as Role;
  throw new ClusterError(`${role}: there is no such role.`);
}

/** Nobody may be there any more, which is no reason to end. */
function tellParent(message: SupervisorMessage, then: () => void = () => {}): void {
  if (process.send === undefined || !process.connected) then();
  else process.send(message, () => then());
}
