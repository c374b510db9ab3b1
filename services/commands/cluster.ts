// `npm run cluster`: Kafka, Cassandra, Redis and fanlog's processes on this machine, under a supervisor.
import { runCommand } from '../../infra/local/cluster/run-command.ts';

process.exitCode = await runCommand(process.argv.slice(2), process.env);
// A child's channel would hold the process up; what is printed must be out first.
process.stdout.write('', () => process.exit());
