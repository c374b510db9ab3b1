// The Java that runs Kafka and Cassandra.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { LocalServerError } from './local-server-error.ts';

// Kafka 4.1 wants 17 or newer, Cassandra 5.0 11 or 17: one is left.
const JAVA_MAJOR = 17;

/** The path (or the name, if PATH finds it) of a Java 17: the one of JAVA_HOME, else the first in PATH. */
export function findJava(env: NodeJS.ProcessEnv): string {
  const candidates = env.JAVA_HOME ? [join(env.JAVA_HOME, 'bin', 'java'), 'java'] : ['java'];
  const found = candidates.map((path) => ({ path, version: versionOf(path, env) }));
  const right = found.find(({ version }) => version !== undefined && Number.parseInt(version, 10) === JAVA_MAJOR);
  if (right !== undefined) return right.path;
  const other = found.find(({ version }) => version !== undefined);
  const what = other === undefined ? 'Java is missing' : `this Java is ${other.version}`;
  throw new LocalServerError(
    `${what}; Kafka and Cassandra need Java ${JAVA_MAJOR}: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless; macOS: brew install openjdk@17), name it in JAVA_HOME, or name servers of your own in FANLOG_KAFKA and FANLOG_CASSANDRA`,
  );
}

// openjdk version "17.0.15" 2025-04-15; before 9: java version "1.8.0_402"
function versionOf(path: string, env: NodeJS.ProcessEnv): string | undefined {
  const { stdout, stderr, status } = spawnSync(path, ['-version'], { encoding: 'utf8', env });
  if (status !== 0) return undefined; // macOS has a stub that only tells where to get Java
  return /version "([^"]+)"/.exec(stderr + stdout)?.[1];
}
