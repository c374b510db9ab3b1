// An address that swallows whoever connects to it, as a machine without power does: neither accepted nor refused.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

// It holds one connection that nobody has taken, or two; the system drops what else arrives.
const LISTENER = `
  require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, function () {
    console.log(this.address().port);
  });
`;
const TAKEN_MS = 200;
const CONNECTIONS_MAX = 16;

export class SilentAddress {
  /** `host:port` */
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #sockets: readonly Socket[];

  private constructor(address: string, process: ChildProcess, sockets: readonly Socket[]) {
    this.address = address;
    this.#process = process;
    this.#sockets = sockets;
  }

  static async open(): Promise<SilentAddress> {
    const listener = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(listener.stdout!, 'data');
    const port = Number(String(said));
    listener.kill('SIGSTOP');
    const sockets: Socket[] = [];
    for (let isTaken = true; isTaken; ) {
      if (sockets.length === CONNECTIONS_MAX) throw new Error('a listener that is stopped goes on taking connections');
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      sockets.push(socket);
      isTaken = await Promise.race([
        once(socket, 'connect').then(() => true),
        new Promise<boolean>((resolve) => setTimeout(resolve, TAKEN_MS, false)),
      ]);
    }
    return new SilentAddress(`127.0.0.1:${port}`, listener, sockets);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
