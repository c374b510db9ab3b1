// The servers that a test file talks to. In `npm test` all files of test/cluster/ share those that the run started, so
// every file uses names of its own (keyspace, topics, keys). A file that is run alone (node --import tsx --test) takes
// what FANLOG_KAFKA, FANLOG_CASSANDRA and FANLOG_REDIS name, or warm ones (npm run servers), or starts its own, which
// end with it: nothing has to be stopped.
//
// The FANLOG_TEST_ variables are no settings of fanlog: leave them out of what a test starts fanlog with.
import { type ServerName, startServer } from '../../infra/local/servers.ts';

/** host:port of one server, which answers. */
export function serverOfThisRun(name: ServerName): Promise<string> {
  const known = addresses.get(name) ?? addressOf(name);
  addresses.set(name, known);
  return known;
}

/** host:port of each, which answer. */
export async function serversOfThisRun(): Promise<{ kafka: string; cassandra: string; redis: string }> {
  const [kafka, cassandra, redis] = await Promise.all([
    serverOfThisRun('kafka'),
    serverOfThisRun('cassandra'),
    serverOfThisRun('redis'),
  ]);
  return { kafka, cassandra, redis };
}

const addresses = new Map<ServerName, Promise<string>>();

async function addressOf(name: ServerName): Promise<string> {
  const ofThisRun = process.env[`FANLOG_TEST_${name.toUpperCase()}`];
  if (ofThisRun) return ofThisRun;
  return (await startServer(name, { progress: (line) => console.error(line) })).address;
}
