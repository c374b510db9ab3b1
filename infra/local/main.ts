// `npm run servers`: starts Kafka, Cassandra and Redis on this machine, or finds them, and leaves them running.
// `npm run servers -- --stop` ends them.
import { parseArgs } from 'node:util';
import { LocalServerError, startServers, stopWarmServers } from './servers.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { stop: { type: 'boolean', default: false } } });
  if (values.stop) {
    const ended = await stopWarmServers();
    console.log(ended.length === 0 ? 'No servers were kept running.' : `Ended: ${ended.join(', ')}.`);
    return;
  }
  const { kafka, cassandra, redis } = await startServers({ keep: true, progress: (line) => console.error(line) });
  console.log(`FANLOG_KAFKA=${kafka}\nFANLOG_CASSANDRA=${cassandra}\nFANLOG_REDIS=${redis}`);
}

main().then(
  () => process.exit(),
  (error) => {
    const isForPeople = error instanceof LocalServerError || error.code?.startsWith('ERR_PARSE_ARGS');
    console.error(isForPeople ? `fanlog: ${error.message}` : error);
    process.exit(1);
  },
);
