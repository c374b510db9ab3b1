// The built commands, as their user runs them.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const COMMANDS = join(import.meta.dirname, '../../../dist/commands');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

export function start(command: 'tap' | 'import', args: readonly string[], env: Record<string, string>): Running {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_'));
  const child = spawn(process.execPath, [join(COMMANDS, `${command}.js`), ...args], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
  });
  child.stderr!.on('data', (text) => {
    stderr += text;
  });
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, finished };
}

export function run(
  command: 'tap' | 'import',
  args: readonly string[],
  env: Record<string, string>,
): Promise<Finished> {
  return start(command, args, env).finished;
}
