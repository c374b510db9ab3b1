// A process that starts servers and is then killed, or ends: node --import tsx server-parent.ts <names> [keep|new] [data folder]
// Prints what it started as one line of JSON.
import { type ServerName, startServer } from '../../infra/local/servers.ts';

const [names, keep, dataFolder] = process.argv.slice(2);
const servers = await Promise.all(
  names!
    .split(',')
    .map((name) =>
      startServer(name as ServerName, { keep: keep === 'keep', ...(dataFolder === undefined ? {} : { dataFolder }) }),
    ),
);
const started = servers.map(({ name, address, pid, kind }) => ({ name, address, pid, kind }));
process.stdout.write(`${JSON.stringify(started)}\n`);
if (keep !== 'keep') setInterval(() => {}, 1_000);
