// A process that owns a cluster and is then killed: node --import tsx cluster-owner.ts <fixture folder>
// Prints the process ids of its roles as one line of JSON.

import { startCluster } from '../../../infra/local/cluster/index.ts';
import { Reaper } from '../../../infra/local/cluster/reaper.ts';
import { fixtureRole } from './fixture-cluster.ts';

const folder = process.argv[2]!;
const cluster = await startCluster({
  env: { ...process.env, FIXTURE_FOLDER: folder },
  servers: { kafka: '127.0.0.1:1', cassandra: '127.0.0.1:2', redis: '127.0.0.1:3' },
  mainFile: fixtureRole,
  logFolder: folder,
  reaper: new Reaper(1),
});
process.stdout.write(`${JSON.stringify(cluster.processes().map(({ name, pid }) => ({ name, pid })))}\n`);
setInterval(() => {}, 1_000);
