// How a rebuild of hours waits for servers that are away: until they answer, it is broken off, or it is another run's.
import { retryInPlace } from '../kernel/retry.ts';
import type { Runtime } from '../kernel/runtime.ts';
import { KafkaUnavailableError } from '../ports/log/kafka/kafka-client.ts';
import { StoreError } from '../ports/store/state-store.ts';
import { type RebuildRecord, takenOver } from './rebuild-record.ts';

/** Tries again until it succeeds, or until there is no sense in it. */
export type Retry = <T>(attemptOnce: () => Promise<T>) => Promise<T>;

export interface PatienceOptions {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly watcher: { note(text: string): void };
}

export function patience({ runtime, signal, watcher }: PatienceOptions, record: Pick<RebuildRecord, 'isLost'>): Retry {
  const isRetryable = (error: unknown) => error instanceof StoreError || error instanceof KafkaUnavailableError;
  const onRetry = (error: unknown, attempt: number) => {
    // It may have removed what we write to.
    if (record.isLost) throw takenOver();
    if (attempt % 10 === 1) watcher.note(`once more: ${String(error)}`);
  };
  return (attemptOnce) => retryInPlace({ runtime, signal, isRetryable, onRetry }, attemptOnce);
}
