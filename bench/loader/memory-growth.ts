// What a connection takes: the difference of two readings over the number of connections that were opened between them.
// The first is taken with some connections open already, so that code, caches and pools that the first ones bring about do
// not count.
import type { MemoryReading, ProcessMemory } from './memory-reading.ts';

/** Both ends of every connection are on this machine. */
const SIDES = 2;

export interface ProcessGrowth {
  readonly name: string;
  readonly bytes: number;
}

/** Bytes a connection. */
export interface MemoryGrowth {
  /** Of all edges: after a collection; as it stood before that; JavaScript's heap; native objects that it holds. */
  readonly user_bytes: number;
  readonly asItStood_bytes: number;
  readonly heapUsed_bytes: number;
  readonly external_bytes: number;
  /** Of each process, edges and others. What a JVM's heap grows by is not what it needs. */
  readonly processes: readonly ProcessGrowth[];
  /** A side: half of what the kernel's memory grew by. */
  readonly kernel_bytes: number;
}

export function memoryGrowth(before: MemoryReading, after: MemoryReading, connections: number): MemoryGrowth {
  const growthOf = (value: (process: ProcessMemory) => number, processes = after.processes) =>
    processes.reduce((sum, process) => sum + value(process) - value(sameIn(before, process)), 0) / connections;
  const edges = after.processes.filter(({ isEdge }) => isEdge);
  const kernelOf = ({ slab_bytes, sockets_bytes }: MemoryReading) => slab_bytes + sockets_bytes;
  return {
    user_bytes: growthOf(({ collected_bytes }) => collected_bytes, edges),
    asItStood_bytes: growthOf(({ asItStood_bytes }) => asItStood_bytes, edges),
    heapUsed_bytes: growthOf(({ node }) => node?.heapUsed ?? 0, edges),
    external_bytes: growthOf(({ node }) => node?.external ?? 0, edges),
    processes: after.processes.map((process) => ({
      name: process.name,
      bytes: growthOf(({ collected_bytes }) => collected_bytes, [process]),
    })),
    kernel_bytes: (kernelOf(after) - kernelOf(before)) / connections / SIDES,
  };
}

function sameIn({ processes }: MemoryReading, { name }: ProcessMemory): ProcessMemory {
  const same = processes.find((process) => process.name === name);
  if (same === undefined) throw new Error(`${name} was not there before`);
  return same;
}
