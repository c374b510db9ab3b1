// Runs a Python program that prints what it found.
import { spawn } from 'node:child_process';

const PYTHON_MISSING = 'python3 is missing: install Python 3.10 or newer, programs of the tests are written in it';

/** Its standard output. Rejects with what it wrote to standard error when it fails, or takes longer than `limit_ms`. */
export function runPython(executable: string, args: readonly string[], limit_ms: number): Promise<string> {
  const child = spawn(executable, args, {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit_ms);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? new Error(PYTHON_MISSING) : error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else reject(new Error(`${args.join(' ')} ended with ${signal ?? code}: ${errors}`));
    });
  });
}
