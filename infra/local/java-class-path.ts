// Brings what a server consists of into the cache, through Maven and pom.xml. The user's own Maven settings (mirrors,
// proxies) hold; only the folder is ours, because Maven takes its own from the password file, not from HOME.
// Once the jars are there, Maven is not asked any more: no network, no Maven, no time.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Cache, ServerName } from './cache.ts';
import { LocalServerError } from './local-server-error.ts';
import { withLock } from './lock.ts';
import { projectFolder } from './project-folder.ts';
import { runProgram } from './run-program.ts';

type Progress = (line: string) => void;

const MAVEN_MINUTES_MAX = 15;
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const ERROR_LINE = /^\[ERROR\] (.*\S)/m;

/** The class path of a server's profile in pom.xml; downloads what is missing. */
export async function javaClassPath(server: ServerName, cache: Cache, env: NodeJS.ProcessEnv, progress: Progress) {
  const folder = await fetched(server, cache, env, progress, (into) => [
    `${PLUGIN}:build-classpath`,
    `-Dmdep.outputFile=${join(into, 'class-path')}`,
    '-DincludeScope=runtime',
  ]);
  return readFileSync(join(folder, 'class-path'), 'utf8').trim();
}

/** The folder with the unpacked jars of a server's profile in pom.xml; downloads what is missing. */
export function unpackedJars(server: ServerName, cache: Cache, env: NodeJS.ProcessEnv, progress: Progress) {
  return fetched(server, cache, env, progress, (into) => [
    `${PLUGIN}:unpack-dependencies`,
    `-DoutputDirectory=${into}`,
    `-DmarkersDirectory=${join(into, 'markers')}`,
  ]);
}

// A folder gets its final name only when Maven has done its work in it, so one that exists is whole.
async function fetched(
  server: ServerName,
  cache: Cache,
  env: NodeJS.ProcessEnv,
  progress: Progress,
  goal: (into: string) => string[],
): Promise<string> {
  const pom = join(projectFolder(), 'infra', 'local', 'pom.xml');
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  const folder = join(cache.servers, `jars-${server}-${hash}`);
  if (isWhole(folder)) return folder;
  // Maven does not defend its folder against a second Maven.
  return withLock(join(cache.servers, 'maven.lock'), `another process that downloads ${server}`, progress, async () => {
    if (isWhole(folder)) return folder;
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    try {
      const started_ms = performance.now();
      progress(`${server}: fetching its jars with Maven, once, into ${cache.maven}…`);
      // Quiet, its output is errors only.
      const args = ['--batch-mode', '--no-transfer-progress', '--quiet', '--file', pom, '--activate-profiles', server];
      await maven([...args, `-Dmaven.repo.local=${cache.maven}`, ...goal(unfinished)], server, env);
      rmSync(folder, { recursive: true, force: true });
      renameSync(unfinished, folder);
      progress(`${server}: fetched in ${((performance.now() - started_ms) / 1000).toFixed(1)} s${sizeOf(folder)}`);
      return folder;
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
  });
}

// Someone may have emptied half of the cache.
function isWhole(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const classPath = join(folder, 'class-path');
  return !existsSync(classPath) || jarsOf(classPath).every((path) => existsSync(path));
}

function sizeOf(folder: string): string {
  const classPath = join(folder, 'class-path');
  if (!existsSync(classPath)) return '';
  const jars = jarsOf(classPath);
  const bytes = jars.reduce((sum, path) => sum + statSync(path).size, 0);
  return `: ${jars.length} jars, ${Math.round(bytes / 1e6)} MB`;
}

function jarsOf(classPath: string): string[] {
  return readFileSync(classPath, 'utf8').trim().split(delimiter);
}

async function maven(args: string[], server: ServerName, env: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await runProgram('mvn', args, env, MAVEN_MINUTES_MAX * 60_000).catch((error) => {
    const why = error.code === 'ENOENT' ? 'Maven is missing' : `Maven does not start (${error.message})`;
    const own = `FANLOG_${server.toUpperCase()}`;
    throw new LocalServerError(
      `${why}; it fetches ${server}: install it (Debian, Ubuntu: apt install maven; macOS: brew install maven), or name a server of your own in ${own}`,
    );
  });
  if (code === 0) return;
  const late = code === null ? ` within ${MAVEN_MINUTES_MAX} minutes` : '';
  const reason = ERROR_LINE.exec(output)?.[1] ?? output.trim().split('\n')[0] ?? '';
  throw new LocalServerError(`Maven could not fetch ${server}${late}: ${reason}`);
}
