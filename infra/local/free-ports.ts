// Free ports on 127.0.0.1, below the range from which systems give ports to outgoing connections (32768 and up on
// Linux): there, a connection of anyone's can take a port between our asking and the server's listening.
import { createServer } from 'node:net';

export const HOST = '127.0.0.1';
const PORT_MIN = 15_000;
const PORT_MAX = 32_000;

/** `count` different ports that nothing listens on at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

/** Whether nothing listens on this port of a host; null: on any. */
export function isFree(port: number, host: string | null = HOST): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, ...(host === null ? {} : { host }), exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
