// `npm run replay` as its user runs it, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const COMMAND = join(import.meta.dirname, '../../dist/commands/replay.js');

export interface ReplayResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `env`: its settings; none of ours reach it. `command`: another build's. */
export function startReplay(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  command = COMMAND,
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_'));
  const options = { env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'] as const };
  return spawn(process.execPath, [command, ...args], { ...options, stdio: [...options.stdio] });
}

export function resultOf(child: ChildProcess): Promise<ReplayResult> {
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
  });
  child.stderr!.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

export function runReplay(args: readonly string[], env: Readonly<Record<string, string>>): Promise<ReplayResult> {
  return resultOf(startReplay(args, env));
}
