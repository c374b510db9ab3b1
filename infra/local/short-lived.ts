// Servers of tests live for minutes, on cores that everything shares. With FANLOG_SHORT_LIVED_SERVERS=1 they are started so;
// what each of these is worth is in infra/decisions (16, 17). Servers that live for long are faster without.
import { existsSync } from 'node:fs';
import type { Prepared } from './prepared.ts';

type Command = Pick<Prepared, 'executable' | 'args'>;

/** Code is ready within ten seconds instead of forty. */
export const FIRST_COMPILER_ONLY: readonly string[] = ['-XX:TieredStopAtLevel=1'];

/**
 * A worker of Cassandra that has nothing to do looks for work every 10 us, for 10 ms at least, before it sleeps: a request that
 * comes alone costs 1.5 ms of CPU. Linux may let each of these looks wait for so long.
 */
const TIMER_SLACK_NS = 1_000_000;
const TIMER_SLACK_FILE = '/proc/self/timerslack_ns';

/** Options of a JVM. */
export function compilersOf(env: NodeJS.ProcessEnv): readonly string[] {
  return areShortLived(env) ? FIRST_COMPILER_ONLY : [];
}

/** The command of a server so that its threads wake up less often; as it is where the system has no such setting. */
export function calmly(env: NodeJS.ProcessEnv, executable: string, args: readonly string[]): Command {
  if (!areShortLived(env) || !existsSync(TIMER_SLACK_FILE)) return { executable, args };
  // It is inherited by what a process becomes, and by its threads. Where it may not be set it stays as it is.
  const script = `[ -w ${TIMER_SLACK_FILE} ] && echo ${TIMER_SLACK_NS} >${TIMER_SLACK_FILE}; exec "$@"`;
  return { executable: '/bin/sh', args: ['-c', script, 'fanlog-calmly', executable, ...args] };
}

function areShortLived(env: NodeJS.ProcessEnv): boolean {
  // Those that stay for later runs are everybody's.
  return env.FANLOG_SHORT_LIVED_SERVERS?.trim() === '1' && env.FANLOG_KEEP_SERVERS?.trim() !== '1';
}
