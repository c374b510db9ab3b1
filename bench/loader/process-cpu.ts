// CPU time of processes, all their threads, user and kernel, as the kernel counts it.
import { readFileSync } from 'node:fs';

/** USER_HZ: what /proc counts in; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const USER_TIME = 11;
const SYSTEM_TIME = 12;

/** Microseconds since the process started. @throws Error when it is gone. */
export function cpu_us(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name stands in brackets and may hold anything: fields are counted from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * 1_000_000) / TICKS_PER_SECOND;
}

/** This process's own. */
export function ownCpu_us(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** All processes of the machine, and the kernel for itself. */
export function machineCpu_us(): number {
  const [, user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0] = readFileSync(
    '/proc/stat',
    'latin1',
  )
    .split('\n', 1)[0]!
    .split(/ +/)
    .map(Number);
  return ((user + nice + system + interrupts + softInterrupts) * 1_000_000) / TICKS_PER_SECOND;
}
