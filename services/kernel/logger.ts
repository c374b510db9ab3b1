// Structured logs: one JSON object a line on standard error. Fields never hold bodies, tokens or passwords
// (test/integration/logs.test.ts looks for them in everything a server says).

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** @param fixed stand in every line, before the line's own: which process of many it is. */
export function createLogger(
  level: LogLevel,
  now: () => number,
  write: (line: string) => void = (line) => process.stderr.write(line),
  fixed: LogFields = {},
): Logger {
  const threshold = LEVELS.indexOf(level);
  const at = (name: LogLevel) => {
    const rank = LEVELS.indexOf(name);
    return (message: string, fields: LogFields = {}) => {
      if (rank < threshold) return;
      write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: name, ...fixed, message, ...fields })}\n`);
    };
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** The same log with `fixed` in every line: which part of the process it is. */
export function withFields(logger: Logger, fixed: LogFields): Logger {
  return {
    debug: (message, fields) => logger.debug(message, { ...fixed, ...fields }),
    info: (message, fields) => logger.info(message, { ...fixed, ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fixed, ...fields }),
    error: (message, fields) => logger.error(message, { ...fixed, ...fields }),
  };
}

export const silentLogger: Logger = createLogger('silent', () => 0);
