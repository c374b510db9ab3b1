// Calls at fixed times, however long the calls or anything else take: what comes late is called at once, with the time at
// which it was due. Timers of Node are a millisecond late, which would be most of what is measured: the last stretch before
// each call is spent polling (sockets are served meanwhile), which costs the loader CPU, not the server. Where calls follow
// each other so closely that it would only poll, it would take a core from the server: there they are a millisecond late.
const POLLING_MS = 1.5;
const POLLED_INTERVAL_MS_MIN = 4;

/** `call(turn, due)`: turn 0, 1, 2 …; `due` by performance.now(). Returns what ends it. */
export function startSchedule(perSecond: number, call: (turn: number, due: number) => void): () => void {
  const start = performance.now();
  const interval_ms = 1_000 / perSecond;
  const polling_ms = interval_ms < POLLED_INTERVAL_MS_MIN ? 0 : POLLING_MS;
  let turn = 0;
  let running = true;
  const run = () => {
    if (!running) return;
    let due = start + turn * interval_ms;
    for (const now = performance.now(); due <= now; due = start + turn * interval_ms) call(turn++, due);
    const left_ms = due - performance.now();
    if (polling_ms === 0 || left_ms > polling_ms + 1) setTimeout(run, left_ms - polling_ms);
    else setImmediate(run);
  };
  run();
  return () => {
    running = false;
  };
}
