// A partition in the hands of one member of a group.
import type { TopicName } from '../../../events/topics.ts';
import { type LogRecord, type PartitionAssignment, PartitionRevokedError, ReadSupersededError } from '../event-log.ts';
import type { PartitionLog } from './partition-log.ts';

export class Assignment implements PartitionAssignment {
  readonly signal: AbortSignal;
  /** Resolves when the partition was taken away. */
  readonly revoked: Promise<void>;
  /** What the handler threw, for whoever looks into a stopped partition. */
  failed: unknown = null;
  readonly #log: PartitionLog;
  readonly #controller = new AbortController();
  #resolveRevoked!: () => void;
  #next: number | null = null;
  #seeks = 0;
  #stopWaiting: (() => void) | null = null;

  constructor(log: PartitionLog) {
    this.#log = log;
    this.signal = this.#controller.signal;
    this.revoked = new Promise((resolve) => {
      this.#resolveRevoked = resolve;
    });
  }

  get topic(): TopicName {
    return this.#log.topic;
  }

  get partition(): number {
    return this.#log.partition;
  }

  seek(offset: number): void {
    this.#next = offset;
    this.#seeks++;
    this.#stopWaiting?.();
  }

  async read(records_max: number): Promise<readonly LogRecord[]> {
    if (this.#next === null) throw new Error('seek() comes before the first read()');
    if (this.#stopWaiting !== null) throw new Error('read() was called while another read() was waiting');
    const seeks = this.#seeks;
    for (;;) {
      if (this.signal.aborted) throw new PartitionRevokedError(this.topic, this.partition);
      if (this.#seeks !== seeks) throw new ReadSupersededError(this.topic, this.partition);
      const records = this.#log.read(this.#next, records_max);
      if (records.length > 0) {
        this.#next += records.length;
        return records;
      }
      await this.#more();
    }
  }

  /** Nothing to tell: in one process the processors' own checkpoints are all there is. */
  commit(_offset: number): void {}

  revoke(): void {
    if (this.signal.aborted) return;
    this.#controller.abort();
    this.#resolveRevoked();
    this.#stopWaiting?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        stop();
        this.#stopWaiting = null;
        resolve();
      };
      const stop = this.#log.wait(wake);
      this.#stopWaiting = wake;
    });
  }
}
