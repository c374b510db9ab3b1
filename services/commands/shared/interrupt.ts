// What a command does about SIGINT and SIGTERM: the first one lets it end in order, the second one leaves at once.

/** Aborts at the first signal; `reason` is the exit code that goes with it. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(code);
      controller.abort(code);
    });
  }
  return controller.signal;
}
