// A cluster of real processes with real clients on it, for tests of what its users notice when something fails.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, type RoleStatus, type ServerAddresses, startCluster } from '../../infra/local/cluster/index.ts';
import { removeInstallation } from '../../services/commands/import/remove-installation.ts';
import type { Role } from '../../services/profiles/roles.ts';
import { checkLedger, type Ledger, Load, LogContents, type ReadRecord, waitUntil } from './ledger/index.ts';

export interface ClusterUnderLoadOptions {
  /** As the roles reach them: through a proxy, perhaps. */
  readonly servers: ServerAddresses;
  /** As this process reaches them; the same by default. */
  readonly direct?: ServerAddresses;
  readonly roles?: Partial<Record<Role, number>>;
  readonly messagesPerSecond?: number;
  /** Another build than the project's: to see that the ledger finds what is broken in it. */
  readonly mainFile?: string;
  /** For builds that write records which the code of this process does not know. */
  readonly readRecord?: ReadRecord;
}

const APP_KEY = randomBytes(32).toString('base64url');
const CATCH_UP_MS_MAX = 60_000;

export class ClusterUnderLoad {
  readonly cluster: Cluster;
  readonly load: Load;
  readonly #log: LogContents;
  readonly #options: ClusterUnderLoadOptions;

  private constructor(cluster: Cluster, load: Load, log: LogContents, options: ClusterUnderLoadOptions) {
    this.cluster = cluster;
    this.load = load;
    this.#log = log;
    this.#options = options;
  }

  /** Ready, and messages flow. @throws ClusterError */
  static async start(options: ClusterUnderLoadOptions): Promise<ClusterUnderLoad> {
    const { servers, direct = servers, roles, messagesPerSecond } = options;
    const name = `load${randomBytes(6).toString('hex')}`;
    const { PATH, HOME, JAVA_HOME, FANLOG_CACHE } = process.env;
    const env = { PATH, HOME, JAVA_HOME, FANLOG_CACHE, FANLOG_APP_KEY: APP_KEY, FANLOG_DEMO: 'off' };
    const cluster = await startCluster({
      ...{ env, servers, keyspace: name, prefix: `${name}.` },
      logFolder: mkdtempSync(join(tmpdir(), 'fanlog-under-load-')),
      ...(roles === undefined ? {} : { roles }),
      ...(options.mainFile === undefined ? {} : { mainFile: options.mainFile }),
    });
    const log = new LogContents(direct.kafka, cluster.prefix, options.readRecord);
    try {
      const { apiUrl } = cluster;
      const rate = messagesPerSecond === undefined ? {} : { messagesPerSecond };
      const load = await Load.start({ apiUrl, appKey: APP_KEY, edges: () => cluster.edgeUrls, ...rate });
      return new ClusterUnderLoad(cluster, load, log, options);
    } catch (error) {
      await Promise.all([cluster.stop(), log.close()]);
      throw error;
    }
  }

  /** Those of a role that are not stopped. */
  processes(role: Role): readonly RoleStatus[] {
    return this.cluster.processes().filter((process) => process.role === role && process.state !== 'stopped');
  }

  /** Sending goes on for a while, and what was sent arrives. Resolves with the longest time that a message took. */
  async steady(for_ms: number): Promise<number> {
    const from = performance.now();
    await waitUntil('time to pass', () => performance.now() - from >= for_ms, for_ms + 1_000);
    await this.caughtUp(performance.now());
    return this.load.latecomers.slowest_ms(from);
  }

  /** Resolves with how long after `moment` (performance.now()) the last message arrived that was sent before it. */
  async caughtUp(moment: number): Promise<number> {
    const { latecomers } = this.load;
    await waitUntil('messages to arrive', () => latecomers.hasCaughtUp(moment), CATCH_UP_MS_MAX);
    return latecomers.caughtUpAfter_ms(moment);
  }

  /** Stops sending, waits for quiet, closes the books, and sends again. Nothing may be wrong in them. */
  async assertCleanLedger(): Promise<Ledger> {
    this.load.pause();
    await this.cluster.whenReady();
    await this.load.settled();
    const ledger = await checkLedger(this.load, this.#log);
    const { violations, violationCount } = ledger;
    assert.deepEqual(violations, [], `${violationCount} in all; the logs are in ${this.cluster.logFolder}`);
    assert.ok(ledger.acknowledged > 0, 'a load that sends nothing proves nothing');
    this.load.resume();
    return ledger;
  }

  async stop(): Promise<void> {
    const { cluster, load } = this;
    await load.stop();
    await Promise.all([cluster.stop(), this.#log.close()]);
    const { keyspace, prefix } = cluster;
    const servers = this.#options.direct ?? this.#options.servers;
    await removeInstallation({ ...servers, dataCenter: 'datacenter1', keyspace, prefix });
    if (process.env.FANLOG_TEST_KEEP_LOGS !== '1') rmSync(cluster.logFolder, { recursive: true, force: true });
  }
}
