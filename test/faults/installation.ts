// fanlog anew for one scenario: topics with three copies, a keyspace, every role a process of its own, the load on it. Its
// ledger stands alone, and nothing of it stays.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_DATACENTER } from '../../infra/local/cassandra.ts';
import { type Cluster, type ServerAddresses, startCluster } from '../../infra/local/cluster/index.ts';
import { removeInstallation } from '../../services/commands/import/remove-installation.ts';
import { CLUSTER_LAYOUT } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { PRODUCTION_TOPICS } from '../../services/ports/log/kafka/topic-settings.ts';
import { LogContents } from '../cluster/ledger/index.ts';
import type { Brokers } from './brokers/brokers.ts';
import { type FaultLoad, startFaultLoad } from './load/fault-load.ts';
import { IdleClients } from './load/idle-clients.ts';
import type { Setting } from './scenario.ts';
import type { FaultServers } from './servers/fault-servers.ts';
import { type Links, openLinks } from './servers/links.ts';

/** All at once, while the load of everything else is there. */
const READY_MS_MAX = 120_000;

export interface InstallationOptions {
  readonly setting: Setting;
  readonly clients: number;
  readonly rate: number;
  /** Another build than the project's: to see that the ledger finds what is broken in it. */
  readonly mainFile?: string;
  /** A client that ended, for instance. */
  readonly onFailure: (sentence: string) => void;
}

export class Installation {
  readonly brokers: Brokers;
  readonly links: Links;
  readonly cluster: Cluster;
  readonly load: FaultLoad;
  readonly idle: IdleClients | null;
  readonly log: LogContents;
  readonly #direct: ServerAddresses;

  private constructor(parts: Parts) {
    this.brokers = parts.brokers;
    this.links = parts.links;
    this.cluster = parts.cluster;
    this.load = parts.load;
    this.idle = parts.idle;
    this.log = parts.log;
    this.#direct = parts.direct;
  }

  /** Ready, and messages flow. @throws NotOnThisMachineError, LocalServerError, ClusterError; nothing is left of it then */
  static async start(servers: FaultServers, options: InstallationOptions): Promise<Installation> {
    const { setting, clients, rate, onFailure } = options;
    await servers.revive();
    const brokers = await servers.brokers(setting.brokers ?? 'plain');
    const direct = servers.addresses(brokers);
    const links = await openLinks(direct, setting.proxies ?? []);
    const name = `faults${randomBytes(6).toString('hex')}`;
    const appKey = randomBytes(32).toString('base64url');
    let cluster: Cluster | null = null;
    let idle: IdleClients | null = null;
    let log: LogContents | null = null;
    try {
      await makeTopics(direct.kafka, `${name}.`);
      const started = await startRoles(name, appKey, links.addresses, options);
      cluster = started;
      log = new LogContents(direct.kafka, started.prefix, setting.readRecord);
      const { apiUrl } = started;
      const edges = () => started.edgeUrls;
      const count = setting.idleSockets ?? 0;
      if (count > 0) idle = await IdleClients.open({ appKey, edges, count, onFailure });
      const load = await startFaultLoad({ appKey, edges, apiUrl, clients, rate });
      return new Installation({ brokers, links, cluster: started, load, idle, log, direct });
    } catch (error) {
      idle?.close();
      await Promise.all([cluster?.stop(), log?.close(), links.close()]);
      throw error;
    }
  }

  /** Never rejects. @param keepLogs leaves the roles' logs where they are; otherwise they go too */
  async remove(keepLogs: boolean): Promise<void> {
    const { cluster, load, idle, log, links } = this;
    idle?.close();
    await load.stop().catch(() => {});
    await Promise.allSettled([cluster.stop(), log.close()]);
    await links.close();
    const { keyspace, prefix } = cluster;
    // What a server that was left broken keeps, ends with it.
    await removeInstallation({ ...this.#direct, dataCenter: LOCAL_DATACENTER, keyspace, prefix }).catch(() => {});
    if (!keepLogs) rmSync(cluster.logFolder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly brokers: Brokers;
  readonly links: Links;
  readonly cluster: Cluster;
  readonly load: FaultLoad;
  readonly idle: IdleClients | null;
  readonly log: LogContents;
  readonly direct: ServerAddresses;
}

/** Beforehand, as an operator does who wants three copies: the roles take what they find. */
async function makeTopics(kafka: string, prefix: string): Promise<void> {
  await createTopics({
    brokers: kafka.split(','),
    layout: { ...CLUSTER_LAYOUT, prefix },
    profile: PRODUCTION_TOPICS,
    logger: silentLogger,
    runtime: systemRuntime,
  });
}

async function startRoles(
  name: string,
  appKey: string,
  servers: ServerAddresses,
  { setting, mainFile }: InstallationOptions,
): Promise<Cluster> {
  const { PATH, HOME } = process.env;
  const logFolder = mkdtempSync(join(tmpdir(), 'fanlog-faults-'));
  try {
    return await startCluster({
      env: { PATH, HOME, FANLOG_APP_KEY: appKey, FANLOG_DEMO: 'off' },
      ready_ms_max: READY_MS_MAX,
      ...{ servers, keyspace: name, prefix: `${name}.`, logFolder },
      ...(setting.roles === undefined ? {} : { roles: setting.roles }),
      ...(mainFile === undefined ? {} : { mainFile }),
    });
  } catch (error) {
    rmSync(logFolder, { recursive: true, force: true });
    throw error;
  }
}
