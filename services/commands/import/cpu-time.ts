// CPU seconds of another process, as Linux tells them. Elsewhere unknown.
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths for programs, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;
// Counted after the name in brackets, which may hold anything: utime is the 14th field of all, stime the 15th.
const UTIME = 11;
const STIME = 12;

/** User and system time of all its threads so far; null if there is no such process or the system does not tell. */
export function cpuSecondsOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : null;
  } catch {
    return null;
  }
}

export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
