// A real server for the page: the built program as a child process, on ports and data that stay when it is killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const START_MS_MAX = 30_000;

export class PageServer {
  readonly url: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #data: string;
  #child: ChildProcess | null = null;

  private constructor(port: number, edgePort: number, data: string) {
    this.url = `http://localhost:${port}`;
    this.#data = data;
    // Only what a shell gives, so that settings of whoever runs the tests do not count.
    const { PATH = '', HOME = '' } = process.env;
    const ports = { PORT: String(port), FANLOG_EDGE_PORT: String(edgePort), FANLOG_OPERATIONS_PORT: '0' };
    this.#env = { PATH, HOME, ...ports, FANLOG_DATA: data };
  }

  static async start(): Promise<PageServer> {
    if (!existsSync(PROGRAM)) throw new Error('dist/main.js is not built: run the tests with `npm test`');
    const [port, edgePort] = await freePorts();
    const server = new PageServer(port, edgePort, await mkdtemp(join(tmpdir(), 'fanlog-page-')));
    await server.restart();
    return server;
  }

  /** Starts it again, on the same ports and data; resolves when messages come through. */
  async restart(): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the server was not ready in time:\n${output}`)), START_MS_MAX);
      const read = (chunk: string) => {
        output += chunk;
        if (output.includes('fanlog is ready')) resolve();
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
      child.on('exit', (code, signal) => reject(new Error(`the server ended (${code ?? signal}):\n${output}`)));
      child.on('exit', () => clearTimeout(timer));
    });
  }

  /** As a crash does it: no goodbye, no flush. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }

  /** A request to the api; its `data`. */
  async call<T>(method: string, path: string, body?: unknown, token = ''): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(this.url + path, { method, headers, body: body ? JSON.stringify(body) : null });
    const reply = (await response.json()) as { code: string; message: string; data: T };
    if (!response.ok) throw new Error(`${method} ${path}: ${reply.code}: ${reply.message}`);
    return reply.data;
  }

  /** Makes an account whose password is its name twice, and signs in. */
  async register(user: string): Promise<string> {
    const { token } = await this.call<{ token: string }>('POST', '/v1/accounts', { user, password: user + user });
    return token;
  }

  async makeGroup(token: string, title: string, members: readonly string[]): Promise<string> {
    const body = { kind: 'group', title, members };
    const reply = await this.call<{ conversationId: string }>('POST', '/v1/conversations', body, token);
    return reply.conversationId;
  }

  async say(token: string, conversationId: string, payload: string, contentType?: string): Promise<void> {
    const path = `/v1/conversations/${encodeURIComponent(conversationId)}/messages`;
    await this.call('POST', path, contentType === undefined ? { payload } : { payload, contentType }, token);
  }
}

// Both are held before either is given free, so that they differ.
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await once(server.listen(0), 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return [ports[0]!, ports[1]!];
}
