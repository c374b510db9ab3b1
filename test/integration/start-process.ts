// fanlog in a process of its own, as its user starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../services/main.ts', import.meta.url));
/** On a machine that runs everything else too. */
const START_MS_MAX = 120_000;

export interface FanlogProcess {
  /** `http://localhost:<port>`. */
  readonly apiUrl: string;
  /** As SIGTERM does. */
  readonly stop: () => Promise<void>;
}

/**
 * Ready, on free ports. `env`: its settings; ours choose the servers of the tests. It ends with this process.
 * `program`: another build than these sources.
 */
export async function startProcess(
  env: Readonly<Record<string, string>>,
  program: readonly string[] = ['--import', 'tsx', MAIN],
): Promise<FanlogProcess> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_'));
  const child = spawn(process.execPath, [...program, '--role', 'all', '--exit-with-parent'], {
    env: { ...Object.fromEntries(inherited), PORT: '0', FANLOG_DEMO: 'off', FANLOG_LOG_LEVEL: 'warn', ...env },
    stdio: 'pipe',
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await once(child, 'exit');
  };
  return { apiUrl: await untilReady(child), stop };
}

/** The address of the api, once the server prints it. */
async function untilReady(child: ChildProcess): Promise<string> {
  let output = '';
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX);
  child.stderr!.on('data', (chunk) => {
    output += chunk;
  });
  try {
    return await new Promise((resolve, reject) => {
      child.stdout!.on('data', (chunk) => {
        output += chunk;
        const found = /page +(http:\/\/\S+)/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.on('exit', (code, signal) => reject(new Error(`the server ended with ${signal ?? code}:\n${output}`)));
      child.on('error', reject);
    });
  } finally {
    clearTimeout(timer);
  }
}
