// Runs a stage that needs Kafka, Cassandra and Redis: they are started once for all its files, which find them in
// FANLOG_TEST_KAFKA, _CASSANDRA and _REDIS, and end with the stage. Should this process be killed, they end with it.
import { LocalServerError, startServers } from '../../infra/local/servers.ts';
import type { Tally } from './tally.ts';

// What chooses the servers. The other tests start fanlog with what they inherit, and mean the embedded profile.
const SETTINGS = [
  'FANLOG_KAFKA',
  'FANLOG_CASSANDRA',
  'FANLOG_CASSANDRA_DC',
  'FANLOG_REDIS',
  'FANLOG_KEEP_SERVERS',
] as const;

/** Takes the settings that choose the servers out of this process's environment; returns it as it was. */
export function takeServerSettings(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of SETTINGS) delete process.env[name];
  return env;
}

/** `env`: what takeServerSettings returned. Never rejects because of the servers: that is one failure, in one line. */
export async function withServers(env: NodeJS.ProcessEnv, run: () => Promise<Tally>): Promise<Tally> {
  let servers: Awaited<ReturnType<typeof startServers>>;
  try {
    servers = await startServers({
      env: { FANLOG_SHORT_LIVED_SERVERS: '1', ...env },
      progress: (line) => console.log(`  ${line}`),
    });
  } catch (error) {
    if (!(error instanceof LocalServerError)) throw error;
    console.log(`  FAILED ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  const passedOn: Record<string, string> = {
    FANLOG_TEST_KAFKA: servers.kafka,
    FANLOG_TEST_CASSANDRA: servers.cassandra,
    FANLOG_TEST_REDIS: servers.redis,
  };
  Object.assign(process.env, passedOn);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(passedOn)) delete process.env[name];
    await servers.stop();
  }
}
