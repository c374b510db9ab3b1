// The machine, as far as it explains a figure.
import { readFileSync, statfsSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const FILESYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  2035054128: 'overlayfs',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
};

/** Of the folder; a number that we have no name for is given as it is. */
export function filesystemOf(folder: string): string {
  const { type } = statfsSync(folder);
  return FILESYSTEMS[type] ?? `0x${type.toString(16)}`;
}

export function isInMemory(filesystem: string): boolean {
  return filesystem === 'tmpfs' || filesystem === 'ramfs';
}

export interface Conditions {
  readonly cores: number;
  readonly cpu: string;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  /** Congestion control of TCP. bbr paces what cubic sends at once: figures of the two do not compare. */
  readonly tcp: string;
}

export function readConditions(): Conditions {
  const all = cpus();
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? 'unknown',
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    tcp: readTcp(),
  };
}

function readTcp(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'latin1').trim();
  } catch {
    return 'unknown';
  }
}
