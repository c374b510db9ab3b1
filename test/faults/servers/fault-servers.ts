// The servers of a run: Cassandra and Redis once for all scenarios, three brokers for as long as scenarios want the same
// kind of them. They end with this process, however it ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerAddresses } from '../../../infra/local/cluster/index.ts';
import { isAlive } from '../../../infra/local/process-identity.ts';
import { type LocalServer, type ServerOptions, startServer } from '../../../infra/local/servers.ts';
import { type Brokers, type BrokersKind, startBrokers } from '../brokers/brokers.ts';

export class FaultServers {
  readonly cassandra: LocalServer;
  readonly redis: LocalServer;
  /** null: the servers are not ours. */
  readonly #folder: string | null;
  readonly #progress: (line: string) => void;
  #brokers: Brokers | null = null;
  #kind: BrokersKind | null = null;

  private constructor(
    folder: string | null,
    cassandra: LocalServer,
    redis: LocalServer,
    progress: (line: string) => void,
  ) {
    this.#folder = folder;
    this.cassandra = cassandra;
    this.redis = redis;
    this.#progress = progress;
  }

  /** @throws LocalServerError; then nothing is left running */
  static async start(progress: (line: string) => void): Promise<FaultServers> {
    const folder = mkdtempSync(join(tmpdir(), 'fanlog-faults-servers-'));
    // A data folder, so that they are new ones: nobody else's server is killed.
    const options: ServerOptions = { env: serverEnvironment(), progress, dataFolder: folder, logFolder: folder };
    const [cassandra, redis] = await Promise.allSettled([
      startServer('cassandra', options),
      startServer('redis', options),
    ]);
    if (cassandra.status === 'fulfilled' && redis.status === 'fulfilled')
      return new FaultServers(folder, cassandra.value, redis.value, progress);
    const failed = [cassandra, redis].find((one) => one.status === 'rejected');
    await Promise.all([cassandra, redis].map((one) => (one.status === 'fulfilled' ? one.value.stop() : null)));
    rmSync(folder, { recursive: true, force: true });
    throw failed?.reason;
  }

  /** On a Cassandra and a Redis that others use too: for scenarios that leave these two alone. */
  static on(given: Pick<ServerAddresses, 'cassandra' | 'redis'>, progress: (line: string) => void): FaultServers {
    const server = (name: 'cassandra' | 'redis'): LocalServer => {
      return { name, address: given[name], pid: null, log: null, kind: 'own', stop: async () => {} };
    };
    return new FaultServers(null, server('cassandra'), server('redis'), progress);
  }

  /** What a scenario that was broken off has left dead or hanging. @throws LocalServerError */
  async revive(): Promise<void> {
    for (const server of [this.cassandra, this.redis]) {
      if (server.pid === null) continue;
      if (isAlive(server.pid)) process.kill(server.pid, 'SIGCONT');
      else await server.restart!();
    }
  }

  /** Those that run, or new ones of this kind. @throws NotOnThisMachineError, LocalServerError */
  async brokers(kind: BrokersKind): Promise<Brokers> {
    if (this.#brokers !== null && this.#kind === kind) return this.#brokers;
    await this.endBrokers();
    this.#brokers = await startBrokers(kind, { env: serverEnvironment(), progress: this.#progress });
    this.#kind = kind;
    return this.#brokers;
  }

  /** The next scenario gets new ones. */
  async endBrokers(): Promise<void> {
    const brokers = this.#brokers;
    this.#brokers = null;
    this.#kind = null;
    await brokers?.stop();
  }

  addresses(brokers: Brokers): ServerAddresses {
    return { kafka: brokers.kafka, cassandra: this.cassandra.address, redis: this.redis.address };
  }

  async stop(): Promise<void> {
    await Promise.all([this.endBrokers(), this.cassandra.stop(), this.redis.stop()]);
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What the environment calls its own servers is not for killing. They are started again and again: quickly, then. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, JAVA_HOME, FANLOG_CACHE } = process.env;
  return { PATH, HOME, JAVA_HOME, FANLOG_CACHE, FANLOG_SHORT_LIVED_SERVERS: '1' };
}
