// How a process ends. SIGTERM or SIGINT drains it within a limit; a second signal ends it at once; what nobody caught is
// one line in the log and exit code 1, because state after a bug is not to be trusted: the log is.
import type { Logger } from './logger.ts';
import type { Runtime } from './runtime.ts';

/** A step of going down, in order. What fails is logged and does not stop the next. */
export interface EndStep {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The part of `process` that is used here. */
export interface ProcessEvents {
  // biome-ignore lint/suspicious/noExplicitAny: what each event brings is Node's affair; an EventEmitter says the same.
  on(event: string, listener: (...values: any[]) => void): unknown;
  exit(code: number): void;
}

export interface LifecycleOptions {
  readonly process: ProcessEvents;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** For all steps together. */
  readonly drain_ms: number;
  readonly steps: readonly EndStep[];
}

const EXIT_FAILED = 1;

/** Installs the handlers. Call it before anything that can fail in the background is started. */
export function endOnSignals({ process, runtime, logger, drain_ms, steps }: LifecycleOptions): void {
  let ending = false;
  const onSignal = (signal: string) => {
    if (ending) return process.exit(EXIT_FAILED);
    ending = true;
    logger.info('draining', { signal, drain_ms });
    const timer = runtime.setTimer(drain_ms, () => {
      logger.error('the drain took too long', { drain_ms });
      process.exit(EXIT_FAILED);
    });
    void runSteps(steps, logger).then((failed) => {
      timer.cancel();
      logger.info('stopped');
      process.exit(failed ? EXIT_FAILED : 0);
    });
  };
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('uncaughtException', (error: unknown) => {
    logger.error('uncaught', { error: describeError(error) });
    process.exit(EXIT_FAILED);
  });
  process.on('unhandledRejection', (error: unknown) => {
    logger.error('unhandled rejection', { error: describeError(error) });
    process.exit(EXIT_FAILED);
  });
}

async function runSteps(steps: readonly EndStep[], logger: Logger): Promise<boolean> {
  let failed = false;
  for (const { name, run } of steps) {
    try {
      await run();
    } catch (error) {
      failed = true;
      logger.error('a step of going down failed', { step: name, error: describeError(error) });
    }
  }
  return failed;
}

/** Where a bug is, on one line. */
function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
