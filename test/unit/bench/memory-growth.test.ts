import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryGrowth } from '../../../bench/loader/memory-growth.ts';
import type { MemoryReading, ProcessMemory } from '../../../bench/loader/memory-reading.ts';

const node = { heapUsed: 10_000_000, heapTotal: 20_000_000, external: 3_000_000, arrayBuffers: 1_000_000 };
const edge = (name: string): ProcessMemory => {
  return { name, isEdge: true, asItStood_bytes: 90_000_000, collected_bytes: 60_000_000, node };
};
const redis: ProcessMemory = {
  name: 'redis',
  isEdge: false,
  asItStood_bytes: 5_000_000,
  collected_bytes: 5_000_000,
  node: null,
};
const before: MemoryReading = {
  processes: [edge('edge-1'), edge('edge-2'), redis],
  slab_bytes: 200_000_000,
  sockets_bytes: 100_000,
};
const grown = (process: ProcessMemory, bytes: number, heap_bytes: number): ProcessMemory => ({
  ...process,
  asItStood_bytes: process.asItStood_bytes + 2 * bytes,
  collected_bytes: process.collected_bytes + bytes,
  node: process.node && { ...process.node, heapUsed: process.node.heapUsed + heap_bytes },
});

test('user memory a connection is the growth of all edges together, whoever holds how many', () => {
  const processes = [grown(edge('edge-1'), 12_000_000, 4_000_000), grown(edge('edge-2'), 6_000_000, 6_000_000), redis];
  const growth = memoryGrowth(before, { ...before, processes }, 10_000);
  assert.equal(growth.user_bytes, 1_800);
  assert.equal(growth.asItStood_bytes, 3_600);
  assert.equal(growth.heapUsed_bytes, 1_000);
  assert.equal(growth.external_bytes, 0);
});

test('other processes are told apart, and are no memory of an edge', () => {
  const processes = [edge('edge-1'), edge('edge-2'), grown(redis, 2_500_000, 0)];
  const growth = memoryGrowth(before, { ...before, processes }, 10_000);
  assert.equal(growth.user_bytes, 0);
  assert.deepEqual(growth.processes, [
    { name: 'edge-1', bytes: 0 },
    { name: 'edge-2', bytes: 0 },
    { name: 'redis', bytes: 250 },
  ]);
});

test('processes are found by name, in whatever order they come', () => {
  const processes = [redis, grown(edge('edge-2'), 1_000_000, 0), edge('edge-1')];
  const growth = memoryGrowth(before, { ...before, processes }, 1_000);
  assert.equal(growth.processes.find(({ name }) => name === 'edge-2')?.bytes, 1_000);
  assert.throws(() => memoryGrowth({ ...before, processes: [redis] }, before, 1_000), /edge-1 was not there/);
});

test('of the memory of the kernel each side has half: slabs, and bytes in queues', () => {
  const after = {
    ...before,
    slab_bytes: before.slab_bytes + 96_000_000,
    sockets_bytes: before.sockets_bytes + 4_000_000,
  };
  assert.equal(memoryGrowth(before, after, 10_000).kernel_bytes, 5_000);
});
