// Messages flow: for a while, none was missing for longer than a message may take.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Latecomers } from '../../cluster/ledger/index.ts';
import { LATE_MS } from '../measure-back.ts';

const POLL_MS = 100;

/** Resolves with true when it was so for `for_ms`, and with false when it is not after `wait_ms`. */
export async function untilSteady(latecomers: Latecomers, for_ms: number, wait_ms: number): Promise<boolean> {
  const startedAt = performance.now();
  let steadyFrom = startedAt;
  for (;;) {
    const now = performance.now();
    if (!latecomers.hasCaughtUp(now - LATE_MS)) steadyFrom = now;
    if (now - steadyFrom >= for_ms) return true;
    if (now - startedAt >= wait_ms) return false;
    await sleep(POLL_MS);
  }
}
