// A Python of our own with exactly the packages of a requirements file: made once (10 s), then taken from the cache.
//
//   FANLOG_CACHE/python/<hash of the file and of the Python>/
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../infra/local/lock.ts';
import { loadConfiguration } from '../../services/kernel/configuration.ts';
import { runPython } from './run-python.ts';

const PROBE = 'import sys; print(sys.version_info >= (3, 10), sys.executable, sys.version)';
const QUICK_MS_MAX = 60_000;
/** 17 MB of wheels. */
const INSTALL_MS_MAX = 300_000;

/** The path of its python. `requirements`: path of a file that names every package, also those that others need. */
export async function pythonWith(requirements: string): Promise<string> {
  const found = (await runPython('python3', ['-c', PROBE], QUICK_MS_MAX)).trim();
  if (!found.startsWith('True ')) throw new Error(`Python 3.10 or newer is needed, this is ${found}`);
  const hash = createHash('sha256').update(found).update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(cacheFolder(), 'python', hash);
  const python = join(folder, 'bin', 'python');
  // Written last: what a killed run left half made is made anew.
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return python;
  mkdirSync(join(cacheFolder(), 'python'), { recursive: true });
  const progress = (line: string) => console.error(line);
  await withLock(`${folder}.lock`, 'another process that installs Python packages', progress, async () => {
    if (existsSync(complete)) return;
    rmSync(folder, { recursive: true, force: true });
    await install(folder, python, requirements);
    writeFileSync(complete, '');
  });
  return python;
}

// Wheels only: nothing is compiled, and no package runs code of its own while it is installed.
async function install(folder: string, python: string, requirements: string): Promise<void> {
  const advice = 'Debian, Ubuntu: apt install python3-venv';
  await runPython('python3', ['-m', 'venv', folder], QUICK_MS_MAX).catch((error: unknown) => {
    throw new Error(`Python cannot make an environment (${advice})`, { cause: error });
  });
  const options = ['--no-deps', '--only-binary', ':all:', '--disable-pip-version-check', '--quiet'];
  await runPython(python, ['-m', 'pip', 'install', ...options, '-r', requirements], INSTALL_MS_MAX);
}

function cacheFolder(): string {
  const loaded = loadConfiguration({ FANLOG_CACHE: process.env.FANLOG_CACHE });
  if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
  return loaded.configuration.cache;
}
