// The last resort against processes that outlive us. A role ends when its standard input is closed, as it is when we
// are killed; one that hangs, or that someone has stopped (SIGSTOP), would not notice. So a shell in a session of its own
// is told every process id, and kills with -9 those that are still there some time after we are gone:
//
//   node ──pipe──> sh (reaper)    + 4711    a process to look after
//                                 - 4711    it is gone: its id may mean another process soon
//                                 end of the pipe: wait for them, then kill -9
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** In its command line. */
export const REAPER_NAME = 'fanlog-reaper';
/** A role may drain for 20 s. */
const GRACE_S = 25;

// $1: seconds between our end and theirs.
const REAPER = `
pids=' '
while read -r sign pid; do
  case $sign in
    +) pids="$pids$pid " ;;
    -) case $pids in *" $pid "*) pids="\${pids%% $pid *} \${pids#* $pid }" ;; esac ;;
  esac
done
waited=0
while [ "$waited" -lt "$1" ]; do
  left=
  for pid in $pids; do kill -0 "$pid" 2>/dev/null && left="$left $pid"; done
  [ -n "$left" ] || exit 0
  pids=$left
  sleep 1
  waited=$((waited + 1))
done
kill -KILL $left 2>/dev/null
`;

export class Reaper {
  readonly #shell: ChildProcess;

  /** `grace_s`: how long processes may take to end by themselves. Does not keep this process alive. */
  constructor(grace_s = GRACE_S) {
    this.#shell = spawn('/bin/sh', ['-c', REAPER, REAPER_NAME, String(grace_s)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#shell.on('error', () => {}); // then there is no last resort
    this.#shell.stdin!.on('error', () => {});
    this.#shell.unref();
    (this.#shell.stdin as Socket).unref();
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#shell.pid ?? 0;
  }

  add(pid: number): void {
    this.#shell.stdin!.write(`+ ${pid}\n`);
  }

  remove(pid: number): void {
    this.#shell.stdin!.write(`- ${pid}\n`);
  }

  /** When all are gone. */
  close(): void {
    this.#shell.stdin!.end();
  }
}
