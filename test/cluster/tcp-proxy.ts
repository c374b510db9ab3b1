// A TCP proxy that fails as networks do, on demand and at the right moment.
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * pass: as if it were not there
 * cut: whatever is asked reaches the server; its next answer closes the connection instead of coming through
 * half: like cut, but the first half of the answer comes through
 * hold: whatever is asked reaches the server; no answer comes, and the connection stays
 * refuse: no connections, and those that were are closed
 */
export type ProxyMode = 'pass' | 'cut' | 'half' | 'hold' | 'refuse';

export class TcpProxy {
  /** Changes an answer on its way back; may work in place. */
  rewrite: (answer: Buffer) => Buffer = (answer) => answer;
  /** The same for answers that come in pieces: asked for at each connection, so that it may remember. */
  rewriter: (() => (piece: Buffer) => Buffer) | null = null;
  /** Answers, or parts of them, that did not come through. */
  dropped = 0;
  /** How long everything takes each way; the order stays. */
  latency_ms = 0;
  /** How long it leaves a connection open to a client that has closed its side. */
  lateEnd_ms = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #mode: ProxyMode = 'pass';
  #port = 0;

  private constructor(host: string, port: number) {
    this.#target = { host, port };
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** @param address `host:port` of the server */
  static async to(address: string): Promise<TcpProxy> {
    const [host, port] = address.split(':');
    const proxy = new TcpProxy(host!, Number(port));
    await proxy.#listen(0);
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  async become(mode: ProxyMode): Promise<void> {
    const before = this.#mode;
    this.#mode = mode;
    if (mode === 'refuse' && before !== 'refuse') await this.close();
    if (mode !== 'refuse' && before === 'refuse') await this.#listen(this.#port);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  #accept(client: Socket): void {
    const server = connect(this.#target);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#sockets.delete(client);
      this.#sockets.delete(server);
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('end', () => setTimeout(end, this.lateEnd_ms));
    const rewrite = this.rewriter?.() ?? ((answer: Buffer) => this.rewrite(answer));
    const [there, back] = [new DelayLine(), new DelayLine()];
    client.on('data', (asked) => there.pass(this.latency_ms, () => server.write(asked)));
    server.on('data', (answer) => {
      if (this.#mode !== 'pass') this.dropped++;
      if (this.#mode === 'cut') end();
      else if (this.#mode === 'half') client.end(answer.subarray(0, answer.length / 2), () => server.destroy());
      else if (this.#mode === 'pass') {
        const rewritten = rewrite(answer);
        back.pass(this.latency_ms, () => client.write(rewritten));
      }
    });
  }
}

/** A pipe of some length: what goes in first comes out first, however its length changes meanwhile. */
class DelayLine {
  readonly #waiting: { readonly due: number; readonly write: () => void }[] = [];
  #lastDue = 0;

  pass(latency_ms: number, write: () => void): void {
    if (latency_ms <= 0 && this.#waiting.length === 0) {
      write();
      return;
    }
    this.#lastDue = Math.max(this.#lastDue, performance.now() + latency_ms);
    this.#waiting.push({ due: this.#lastDue, write });
    if (this.#waiting.length === 1) this.#wait();
  }

  #wait(): void {
    setTimeout(() => this.#drain(), Math.max(0, this.#waiting[0]!.due - performance.now()));
  }

  #drain(): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.due <= performance.now()) this.#waiting.shift()!.write();
    if (this.#waiting.length > 0) this.#wait();
  }
}
