// The cluster that the import runs for itself: Kafka, Cassandra and Redis (the ones that FANLOG_KAFKA, … name, warm ones,
// or new ones) and a process of every role or two, supervised from here. Keyspace and names are of this run alone.
//
// It ends with us whatever ends us, and nothing of it stays: new servers take their data with them, in others the
// keyspace, the topics and the keys are removed.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Cluster,
  ClusterError,
  type ClusterEvent,
  eventLine,
  startCluster,
} from '../../../infra/local/cluster/index.ts';
import { LocalServerError } from '../../../infra/local/servers.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import { ROLES } from '../../profiles/roles.ts';
import { BadInput, ImportFailed } from './bad-input.ts';
import type { ImportTarget, TargetProcess, Victim } from './import-target.ts';
import { FRAMES_PER_SECOND } from './own-server.ts';
import { removeInstallation } from './remove-installation.ts';

export interface OwnClusterOptions {
  /** The built dist/main.js. */
  readonly serverFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly appKey: string;
  readonly runtime: Runtime;
  readonly note: (line: string) => void;
}

/** A killed fanout's partitions move after 6 s; a machine that has nothing else to do starts a role in two. */
const READY_MS_MAX = 60_000;
/** One role after the other, in the first two thirds: each fault lies within the import. */
const SHARES: Readonly<Record<(typeof ROLES)[number], number>> = { api: 0.15, edge: 0.3, fanout: 0.45, inbox: 0.6 };
const LOCAL_DATACENTER = 'datacenter1';

export class OwnCluster implements ImportTarget {
  readonly victims: readonly Victim[] = ROLES.map((role) => ({ part: role, share: SHARES[role] }));
  readonly #options: OwnClusterOptions;
  readonly #cluster: Cluster;
  /** We killed it, and it has not ended yet. */
  readonly #expected: Set<string>;

  private constructor(options: OwnClusterOptions, cluster: Cluster, expected: Set<string>) {
    this.#options = options;
    this.#cluster = cluster;
    this.#expected = expected;
  }

  /** Resolves when everything is ready. @throws BadInput when something does not start, with its own words */
  static async start(options: OwnClusterOptions): Promise<OwnCluster> {
    const { serverFile, runtime, note } = options;
    const id = Buffer.from(runtime.randomBytes(4)).toString('hex');
    const names = { keyspace: `import_${id}`, prefix: `import-${id}.` };
    const logFolder = mkdtempSync(join(tmpdir(), 'fanlog-import-'));
    const expected = new Set<string>();
    const onEvent = (event: ClusterEvent) => {
      if (event.what === 'ended' && !expected.delete(event.process)) note(eventLine(event));
    };
    note(`           keyspace ${names.keyspace}, topics ${names.prefix}*, logs in ${logFolder}: removed at the end`);
    try {
      const cluster = await startCluster({
        ...{ ...names, env: environmentOf(options) },
        ...{ logFolder, onEvent, mainFile: serverFile, progress: (line) => note(`           ${line}`) },
      });
      return new OwnCluster(options, cluster, expected);
    } catch (error) {
      if (!(error instanceof ClusterError) && !(error instanceof LocalServerError)) throw error;
      const [reason] = error.message.split('\n');
      await removeFromServersOf(options.env, names);
      const where = removedIfEmpty(logFolder) ? '' : ` Its logs are in ${logFolder}`;
      throw new BadInput(`The import's own cluster did not start: ${reason}${where}`);
    }
  }

  get url(): string {
    return this.#cluster.apiUrl;
  }

  processes(): readonly TargetProcess[] {
    const servers = this.#cluster.servers().map(({ name, pid }) => ({ name, part: name, pid }));
    const roles = this.#cluster.processes().map(({ name, role, pid }) => ({ name, part: role, pid }));
    return [...roles, ...servers];
  }

  async kill(name: string): Promise<void> {
    try {
      this.#expected.add(name);
      this.#cluster.kill(name, 'SIGKILL');
      await this.#cluster.whenReady(READY_MS_MAX);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const [reason] = error.message.split('\n');
      throw new ImportFailed(`${name} was killed and did not come back: ${reason}`);
    }
  }

  async stop(isGood: boolean): Promise<void> {
    const { env, note } = this.#options;
    const { kafka, cassandra, redis, keyspace, prefix, logFolder } = this.#cluster;
    // Asked before the end: what is supervised is ours, and is gone with its data then.
    const isShared = this.#cluster.servers().some(({ state }) => state === null);
    await this.#cluster.stop();
    if (isShared) {
      const dataCenter = env.FANLOG_CASSANDRA_DC?.trim() || LOCAL_DATACENTER;
      await removeInstallation({ kafka, cassandra, dataCenter, redis, keyspace, prefix }).catch((error: Error) => {
        note(`cluster    keyspace ${keyspace} and topics ${prefix}* could not be removed: ${error.message}`);
      });
    }
    if (isGood) rmSync(logFolder, { recursive: true, force: true });
    else note(`cluster    the logs of its processes are in ${logFolder}`);
  }
}

/** Of a start that failed half way: what it made on servers that go on running. New ones are gone, with their data. */
async function removeFromServersOf(
  env: OwnClusterOptions['env'],
  names: { readonly keyspace: string; readonly prefix: string },
): Promise<void> {
  const [kafka, cassandra, redis] = [env.FANLOG_KAFKA, env.FANLOG_CASSANDRA, env.FANLOG_REDIS].map((text) =>
    text?.trim(),
  );
  if (!kafka || !cassandra || !redis) return;
  const dataCenter = env.FANLOG_CASSANDRA_DC?.trim() || LOCAL_DATACENTER;
  await removeInstallation({ kafka, cassandra, dataCenter, redis, ...names }).catch(() => {}); // one is away: that is why
}

function removedIfEmpty(folder: string): boolean {
  if (readdirSync(folder).length > 0) return false;
  rmSync(folder, { recursive: true });
  return true;
}

/** What roles must not inherit: the cluster's own edges, and no demo. */
function environmentOf({ env, appKey }: OwnClusterOptions): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {
    FANLOG_LOG_LEVEL: 'warn',
    FANLOG_FRAMES_PER_SECOND: String(FRAMES_PER_SECOND),
    ...env,
    FANLOG_APP_KEY: appKey,
    FANLOG_DEMO: 'off',
  };
  delete result.FANLOG_EDGE_URLS;
  return result;
}
