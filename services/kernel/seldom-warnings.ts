// While a server is away every partition and every append has something to warn of, many times a second, and it is always
// the same. So of the warnings with one message one a second is written, with how many were left out since the last.
// Errors are about one thing each, and all stand.
import type { LogFields, Logger } from './logger.ts';

const INTERVAL_MS = 1_000;

interface Told {
  at: number;
  left_out: number;
}

/** Messages are texts of the program, so they are few; what differs stands in the fields. */
export function withSeldomWarnings(logger: Logger, monotonic: () => number): Logger {
  const told = new Map<string, Told>();
  return {
    ...logger,
    warn: (message, fields) => {
      const now = monotonic();
      const last = told.get(message);
      if (last !== undefined && now - last.at < INTERVAL_MS) {
        last.left_out++;
        return;
      }
      told.set(message, { at: now, left_out: 0 });
      logger.warn(message, withLeftOut(fields, last?.left_out ?? 0));
    },
  };
}

function withLeftOut(fields: LogFields | undefined, left_out: number): LogFields | undefined {
  return left_out === 0 ? fields : { ...fields, left_out };
}
