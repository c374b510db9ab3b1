// The cluster profile under load: Kafka, Cassandra and Redis of its own, and every role in processes of its own.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../infra/local/cluster/index.ts';
import { ROLES, type Role } from '../services/profiles/roles.ts';
import type { TargetProcess } from './scenarios/scenario.ts';
import type { ServerSettings, ServerUnderLoad } from './server.ts';
import {
  INSPECTOR_ARGUMENT,
  inspectorUrlIn,
  makeDataFolder,
  notableLines,
  serverEnvironment,
  startArguments,
} from './server-start.ts';

/** Where the servers are kept between runs: no setting of a role. */
const KEPT = ['FANLOG_CACHE'];
/** Of what a process said; the rest is more of the same. */
const LINES_TOLD_MAX = 5;
const PLURALS: Readonly<Record<Role, string>> = { edge: 'edges', fanout: 'fanouts', inbox: 'inboxes', api: 'apis' };

/** @throws ClusterError, LocalServerError: with a sentence for whoever started it, and the end of a log. */
export async function startClusterServer(settings: ServerSettings): Promise<ServerUnderLoad> {
  const { roles, nodeArguments, inspected, progress } = settings;
  const { path, filesystem } = makeDataFolder();
  const appKey = randomBytes(48).toString('base64');
  const removeData = () => rmSync(path, { recursive: true, force: true });
  const cluster = await startCluster({
    roles,
    env: serverEnvironment(appKey, KEPT),
    progress: (line) => progress(`cluster: ${line}`),
    dataFolder: join(path, 'servers'), // with a folder they are new ones; none that somebody else uses meanwhile
    logFolder: join(path, 'logs'),
    nodeArguments: [...startArguments(), ...(inspected ? [INSPECTOR_ARGUMENT] : []), ...nodeArguments],
    restart: false, // a process that dies is a finding
  }).catch((error: unknown) => {
    removeData();
    throw error;
  });
  // While they start, they complain of each other.
  const said = new Map(cluster.processes().map(({ log }) => [log, textOf(log).length]));
  const stop = async () => {
    await cluster.stop();
    tellLogs(cluster, said, progress);
    removeData();
  };
  const target = { apiUrl: onLoopback(cluster.apiUrl), edgeUrls: cluster.edgeUrls.map(onLoopback), appKey };
  return {
    target: { ...target, processes: processesOf(cluster) },
    processes: ROLES.map((role) => `${roles[role]} ${roles[role] === 1 ? role : PLURALS[role]}`).join(', '),
    durability:
      'accepted after acks=all of Kafka (1 broker, replication 1, flush left to the page cache); ' +
      'rows at LOCAL_QUORUM (1 node)',
    filesystem,
    stop,
  };
}

/** All of them run: it has just become ready, and they are its own. */
function processesOf(cluster: Cluster): TargetProcess[] {
  const roles = cluster.processes().map(({ name, role, pid, log }) => {
    return { name, pid: pid!, isEdge: role === 'edge', inspectorUrl: inspectorUrlIn(textOf(log)) };
  });
  const servers = cluster.servers().map(({ name, pid }) => {
    return { name, pid: pid!, isEdge: false, inspectorUrl: null };
  });
  return [...roles, ...servers];
}

/** Warnings and worse since it was ready: under a load that should raise none. */
function tellLogs(cluster: Cluster, said: ReadonlyMap<string, number>, progress: (line: string) => void): void {
  for (const { name, log } of cluster.processes()) {
    const lines = notableLines(textOf(log).slice(said.get(log))).filter((line) => line.startsWith('{'));
    for (const line of lines.slice(0, LINES_TOLD_MAX)) progress(`${name} said: ${line}`);
    if (lines.length > LINES_TOLD_MAX) progress(`${name} said ${lines.length - LINES_TOLD_MAX} lines more`);
  }
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** By address: no name is looked up, and no connection tries IPv6 first. */
function onLoopback(url: string): string {
  return url.replace('//localhost:', '//127.0.0.1:');
}
