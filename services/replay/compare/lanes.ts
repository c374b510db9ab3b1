// The comparison reads from both sets at once, and of several users or conversations at a time.

/** At a time: a page of rows each, from both sets. */
const LANES = 8;

/** @throws the first error of `work`, or the reason of `signal` */
export async function forEachInLanes<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const lane = async () => {
    for (const item of rest) {
      signal.throwIfAborted();
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
