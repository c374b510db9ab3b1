// The memory of the server's processes and of the kernel, at one moment.
import { readFileSync } from 'node:fs';
import type { TargetProcess } from '../scenarios/scenario.ts';
import { collectGarbage, type NodeMemory } from './node-memory.ts';

/** Of every Linux on x64; where it differs, `sockets_bytes` is wrong by that factor. */
const PAGE_BYTES = 4_096;
const KIB = 1_024;

export interface ProcessMemory {
  readonly name: string;
  readonly isEdge: boolean;
  /** Of its own, not of a file: heaps, stacks. As it stood, and after a garbage collection where one was possible. */
  readonly asItStood_bytes: number;
  readonly collected_bytes: number;
  /** After the collection; null of what is no Node process. */
  readonly node: NodeMemory | null;
}

export interface MemoryReading {
  readonly processes: readonly ProcessMemory[];
  /** Objects of the kernel: sockets, files, what epoll knows of them. */
  readonly slab_bytes: number;
  /** Bytes on their way in TCP's queues. */
  readonly sockets_bytes: number;
}

/** Of Node processes after a full garbage collection. @throws Error when a process is gone. */
export async function readMemory(processes: readonly TargetProcess[]): Promise<MemoryReading> {
  const read = await Promise.all(
    processes.map(async ({ name, pid, isEdge, inspectorUrl }) => {
      const asItStood_bytes = anonymousOf(pid);
      const node = inspectorUrl === null ? null : await collectGarbage(inspectorUrl);
      return { name, isEdge, asItStood_bytes, collected_bytes: anonymousOf(pid), node };
    }),
  );
  const slab_bytes = numberIn('/proc/meminfo', /^Slab: +(\d+) kB$/m) * KIB;
  const sockets_bytes = numberIn('/proc/net/sockstat', /^TCP: .*\bmem (\d+)$/m) * PAGE_BYTES;
  return { processes: read, slab_bytes, sockets_bytes };
}

function anonymousOf(pid: number): number {
  return numberIn(`/proc/${pid}/smaps_rollup`, /^Anonymous: +(\d+) kB$/m) * KIB;
}

function numberIn(path: string, pattern: RegExp): number {
  const found = pattern.exec(readFileSync(path, 'latin1'));
  if (found === null) throw new Error(`${path} does not say how much memory: ${pattern.source}`);
  return Number(found[1]);
}
