// What a process says of itself: to a balancer, to Prometheus, and in its log.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { RoleStatus } from '../../../infra/local/cluster/index.ts';

const ANSWER_MS_MAX = 2_000;

export interface Word {
  /** Why it is not ready, role by role; null: it is, or does not answer. */
  readonly whyNotReady: string | null;
  /** Partitions that wait for an operator, by its metrics. */
  readonly stopped: number;
}

/** null: no answer. */
export async function wordOf({ role, operationsPort }: RoleStatus): Promise<Word | null> {
  const ask = (path: string) =>
    fetch(`http://127.0.0.1:${operationsPort}${path}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  try {
    const [ready, metrics] = await Promise.all([ask('/readyz'), ask('/metrics')]);
    const { roles } = (await ready.json()) as { roles: Record<string, { why?: string }> };
    const stopped = new RegExp(`^fanlog_${role}_stopped_partitions (\\d+)`, 'm').exec(await metrics.text())?.[1];
    return { whyNotReady: roles[role]?.why ?? null, stopped: Number(stopped ?? 0) };
  } catch {
    return null;
  }
}

/** Where its log ends now, in bytes. */
export function endOfLog({ log }: RoleStatus): number {
  return statSync(log, { throwIfNoEntry: false })?.size ?? 0;
}

/** The lines of its log from there on. */
export function linesSince({ log }: RoleStatus, from_bytes: number): readonly string[] {
  const file = openSync(log, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, statSync(log).size - from_bytes));
    readSync(file, bytes, 0, bytes.length, from_bytes);
    return bytes.toString().split('\n');
  } finally {
    closeSync(file);
  }
}
