// Waits for something to be so, and says what it waited for when it does not come.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Resolves with how long it took. `what`: a sentence, or more of it once it is too late. @throws Error when it is */
export async function waitUntil(
  what: string | (() => string),
  isSo: () => boolean | Promise<boolean>,
  wait_ms: number,
): Promise<number> {
  const startedAt = performance.now();
  while (!(await isSo())) {
    if (performance.now() - startedAt > wait_ms)
      throw new Error(`not within ${wait_ms / 1_000} s: ${typeof what === 'string' ? what : what()}`);
    await sleep(POLL_MS);
  }
  return performance.now() - startedAt;
}
