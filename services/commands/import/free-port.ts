// A port for the import's own server, which comes back on the same one after --chaos. It lies below the ports that systems
// give to outgoing connections: while the server is away thousands of clients try to connect, and one that got the
// server's own port to connect from would hold it, or even meet itself.
import { createServer } from 'node:net';
import type { Runtime } from '../../kernel/runtime.ts';

const PORT_FIRST = 20_000;
const PORTS = 10_000;
const ATTEMPTS_MAX = 100;

/** Free at the moment, and not one of `taken`. */
export async function findFreePort(runtime: Runtime, taken: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = PORT_FIRST + Math.floor(runtime.random() * PORTS);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port was found among ${PORT_FIRST} to ${PORT_FIRST + PORTS - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
