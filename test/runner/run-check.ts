// Runs one of the tools that judge the sources, as one check: its output is shown only when it fails.
import { spawn } from 'node:child_process';
import { formatDuration, indent, type Tally } from './tally.ts';

const CHECK_TIMEOUT_MS = 5 * 60_000;

/** `args`: the tool's script and its arguments, run by this Node from the project's root. */
export async function runCheck(args: string[]): Promise<Tally> {
  const startedAt_ms = performance.now();
  const { ok, output } = await new Promise<{ ok: boolean; output: string }>((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: CHECK_TIMEOUT_MS });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code, signal) => {
      resolve({ ok: code === 0, output: output === '' ? `no output, ${signal ?? `exit ${code}`}` : output });
    });
  });
  if (!ok) console.log(indent(output));
  console.log(`  ${ok ? 'ok' : 'FAILED'} (${formatDuration(performance.now() - startedAt_ms)})`);
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}
