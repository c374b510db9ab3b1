// Whether a process id still means the process it was written down for.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process lives and names the folder in its command line: process ids are used again. */
export function isRunning(pid: number, folder: string): boolean {
  return isAlive(pid) && commandLine(pid).includes(folder);
}

/** `pid start`: the process that runs under the id now, and no later one. The start is unknown where there is no /proc. */
export function identityOf(pid: number): string {
  return `${pid} ${startOf(pid)}`;
}

/** Whether the process that `identityOf` was asked about lives. */
export function isAliveStill(identity: string): boolean {
  const pid = Number(identity.split(' ', 1)[0]);
  return isAlive(pid) && identityOf(pid) === identity;
}

/** In ticks since the machine started, as the kernel counts them. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in brackets and may hold anything: fields are counted from the last bracket.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

// Ended, and only waiting for its parent to ask how: in a container whose first process never asks, for ever.
function isZombie(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? '';
  }
}
