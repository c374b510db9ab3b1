// Connections that are welcomed, known to the session registry, and then say nothing but their heartbeats: what each takes.
import { setTimeout as pause } from 'node:timers/promises';
import type { ChatConnection } from '../loader/chat-connection.ts';
import { CpuMeter } from '../loader/cpu-meter.ts';
import { keepAlive } from '../loader/keep-alive.ts';
import { Measurement } from '../loader/measurement.ts';
import { memoryGrowth } from '../loader/memory-growth.ts';
import { readMemory } from '../loader/memory-reading.ts';
import { openConnections } from '../loader/open-connections.ts';
import { Traffic } from '../loader/traffic.ts';
import type { Scenario } from './scenario.ts';

/** There before the first reading: what they bring about (compiled code, pools, caches) is not counted. */
export const FIRST_CONNECTIONS = 500;
/** Between the last welcome and a reading: answers have left, buffers were given back. */
const REST_S = 10;
const OPENED_BETWEEN_REPORTS = 500;

export const idle: Scenario = async ({ target, options, progress }) => {
  const traffic = new Traffic(new Measurement([]), 0, options.payload_bytes);
  const connections: ChatConnection[] = [];
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const open = async (count: number) => {
    for (const end = connections.length + count; connections.length < end; ) {
      const length = Math.min(OPENED_BETWEEN_REPORTS, end - connections.length);
      const users = Array.from({ length }, (_, i) => `idle-${connections.length + i}`);
      const opened = await openConnections(target, traffic, users, connections.length);
      opened.failed.catch(fail);
      connections.push(...opened.connections);
      progress(`idle: ${connections.length} connections`);
    }
  };
  const measure = async () => {
    await open(FIRST_CONNECTIONS);
    await pause(REST_S * 1_000);
    const before = await readMemory(target.processes);
    const cpu = new CpuMeter(target.processes);
    cpu.begin();
    await open(options.connections);
    const opening = cpu.read();
    await pause(REST_S * 1_000);
    progress(`idle: holding them for ${options.seconds} s`);
    cpu.begin();
    await pause(options.seconds * 1_000);
    const holding = cpu.read();
    return { memory: memoryGrowth(before, await readMemory(target.processes), options.connections), opening, holding };
  };
  const endKeepAlive = keepAlive(connections);
  try {
    const measured = await Promise.race([measure(), failed]);
    const load = `idle, ${options.connections.toLocaleString('en')} connections`;
    return [{ scenario: 'idle', load, unit: 'connection', count: options.connections, ...measured }];
  } finally {
    endKeepAlive();
    for (const connection of connections) connection.close();
  }
};
