// Repeating in place: an output that cannot be written holds its partition up, visibly, and is never passed over (R9).
import { type Runtime, sleep } from './runtime.ts';

const BACKOFF_MS_FIRST = 20;
/** Long enough not to burn a core while a server is away, short enough to go on within a second of its return. */
const BACKOFF_MS_MAX = 1_000;

export interface RetryOptions {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  /** Errors worth repeating; any other one is thrown at once. */
  readonly isRetryable: (error: unknown) => boolean;
  /** Told before each pause. */
  readonly onRetry: (error: unknown, attempt: number) => void;
}

/** The last error, when the signal aborted before an attempt succeeded. */
export async function retryInPlace<T>(options: RetryOptions, attemptOnce: () => Promise<T>): Promise<T> {
  const { runtime, signal, isRetryable, onRetry } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (signal.aborted || !isRetryable(error)) throw error;
      onRetry(error, attempt);
      const pause_ms = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_FIRST * 2 ** Math.min(attempt - 1, 10));
      await sleep(runtime, pause_ms * (0.5 + runtime.random() / 2), signal);
      if (signal.aborted) throw error;
    }
  }
}
