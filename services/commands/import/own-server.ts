// The server that the import runs for itself: another process, so that its CPU is told apart and --chaos can kill it.
//
// It ends with us whatever ends us (--exit-with-parent: our end of its standard input closes), and leaves its data.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import { BadInput, ImportFailed } from './bad-input.ts';
import { findFreePort } from './free-port.ts';
import type { ImportTarget, TargetProcess, Victim } from './import-target.ts';

export interface OwnServerOptions {
  /** The built dist/main.js. */
  readonly serverFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly appKey: string;
  readonly runtime: Runtime;
  /** A line of the server's log. */
  readonly onLog: (line: string) => void;
  /** It ended by itself. */
  readonly onLost: (error: ImportFailed) => void;
}

/** A busy user's pull takes hundreds of pages; at the usual 50 frames/s the check would wait for the rate. */
export const FRAMES_PER_SECOND = 1_000;

/** A large log is read again from the last checkpoint. */
const START_MS_MAX = 60_000;
const READY_POLL_MS = 50;
/** The server's own drain takes 20 s at most. */
const STOP_MS_MAX = 25_000;

const NAME = 'server';

export class OwnServer implements ImportTarget {
  readonly victims: readonly Victim[] = [{ part: NAME, share: 0.5 }];
  readonly #options: OwnServerOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly url: string;
  #child: ChildProcess | null = null;
  #lastLine = '';
  /** We are ending it. */
  #isExpected = false;

  private constructor(options: OwnServerOptions, port: number, edgePort: number) {
    this.#options = options;
    this.#env = environmentOf(options, port, edgePort);
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves when it is ready. @throws BadInput when it does not start, with its own words. */
  static async start(options: OwnServerOptions): Promise<OwnServer> {
    const port = await findFreePort(options.runtime);
    const server = new OwnServer(options, port, await findFreePort(options.runtime, [port]));
    await server.#start();
    return server;
  }

  processes(): readonly TargetProcess[] {
    return [{ name: NAME, part: NAME, pid: this.#child?.pid ?? null }];
  }

  /** The start is on the same ports and data. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#start().catch((error: Error) => {
      throw new ImportFailed(error.message);
    });
  }

  async stop(): Promise<void> {
    const timer = this.#options.runtime.setTimer(STOP_MS_MAX, () => this.#child?.kill('SIGKILL'));
    await this.#end('SIGTERM');
    timer.cancel();
  }

  async #start(): Promise<void> {
    const { serverFile } = this.#options;
    const args = ['--enable-source-maps', serverFile, '--exit-with-parent'];
    const child = spawn(process.execPath, args, { env: this.#env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#isExpected = false;
    child.on('error', (error) => this.#onExit(child, error.message));
    child.on('exit', (code, signal) => this.#onExit(child, `exit ${signal ?? code}`));
    child.stdin.on('error', () => {}); // it is gone: `exit` says so
    // Its first words come when everything is made.
    const spoke = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.stdout.resume();
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lastLine = line;
      if (line.startsWith('{')) this.#options.onLog(line);
    });
    await this.#untilReady(child, spoke);
  }

  async #untilReady(child: ChildProcess, spoke: Promise<void>): Promise<void> {
    const { runtime } = this.#options;
    const deadline_ms = runtime.monotonic() + START_MS_MAX;
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    await Promise.race([spoke, closed, sleep(runtime, START_MS_MAX)]);
    while (runtime.monotonic() < deadline_ms) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (await isReady(this.url)) return;
      await sleep(runtime, READY_POLL_MS);
    }
    this.#isExpected = true;
    child.kill('SIGKILL');
    const reason = this.#lastLine.replace(/^fanlog: /, '') || `it was not ready within ${START_MS_MAX / 1000} s`;
    throw new BadInput(`The import's own server did not start: ${withWayOut(reason)}`);
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#isExpected = true;
    this.#child = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await exited;
  }

  #onExit(child: ChildProcess, how: string): void {
    if (this.#isExpected || child !== this.#child) return;
    this.#options.onLost(new ImportFailed(`The import's own server ended by itself (${how}): ${this.#lastLine}`));
  }
}

const NOT_PASSED_ON = [
  'FANLOG_KAFKA',
  'FANLOG_CASSANDRA',
  'FANLOG_CASSANDRA_DC',
  'FANLOG_KEYSPACE',
  'FANLOG_REDIS',
  'FANLOG_EDGE_URLS',
];

/** To stop the server that has the folder is rarely what whoever imports wants. */
function withWayOut(reason: string): string {
  const inUse = /^.* is in use by process \d+\./.exec(reason)?.[0];
  if (inUse === undefined) return reason;
  return `${inUse} Set FANLOG_DATA to another folder, or send to the running server: --url http://localhost:8080, with its FANLOG_APP_KEY.`;
}

function environmentOf({ env, appKey }: OwnServerOptions, port: number, edgePort: number): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = {
    FANLOG_LOG_LEVEL: 'warn',
    FANLOG_FRAMES_PER_SECOND: String(FRAMES_PER_SECOND),
    ...env,
    PORT: String(port),
    FANLOG_EDGE_PORT: String(edgePort),
    FANLOG_OPERATIONS_PORT: '0',
    FANLOG_APP_KEY: appKey,
  };
  // The embedded profile, whatever else this machine has; and addresses that lead to the child, not to a proxy.
  for (const name of NOT_PASSED_ON) delete result[name];
  return result;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
