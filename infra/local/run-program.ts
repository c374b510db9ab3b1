// Runs a program that ends by itself.
import { spawn } from 'node:child_process';

export type ProgramResult = {
  /** null: it was killed, because its time was up or by someone else. */
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
};

/** Rejects if it cannot be started (ENOENT: there is none); ends it after `limit_ms`. */
export function runProgram(
  executable: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  limit_ms: number,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    // spawn's own `timeout` goes on when nothing was started, and keeps this process alive as long.
    const timer = setTimeout(() => child.kill(), limit_ms);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}
