// An assignment whose reads are scripted by the test.
import type { TopicName } from '../../../services/events/topics.ts';
import {
  type LogRecord,
  type PartitionAssignment,
  ReadSupersededError,
} from '../../../services/ports/log/event-log.ts';

export class ScriptedAssignment implements PartitionAssignment {
  readonly topic: TopicName = 'messages';
  readonly partition = 0;
  readonly #controller = new AbortController();
  readonly seeks: number[] = [];
  readonly #reads: (LogRecord[] | Error)[];

  constructor(reads: (LogRecord[] | Error)[]) {
    this.#reads = reads;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  revoke(): void {
    this.#controller.abort();
  }

  seek(offset: number): void {
    this.seeks.push(offset);
  }

  async read(): Promise<readonly LogRecord[]> {
    const next = this.#reads.shift();
    if (next === undefined) throw new Error('the script has no more reads');
    if (next instanceof Error) throw next;
    return next;
  }

  commit(): void {}
}

/** One with nothing to read: a read waits until a seek gives it up. */
export class WaitingAssignment extends ScriptedAssignment {
  #giveUp: () => void = () => {};

  constructor() {
    super([]);
  }

  override seek(offset: number): void {
    super.seek(offset);
    this.#giveUp();
  }

  override read(): Promise<readonly LogRecord[]> {
    return new Promise((_, reject) => {
      this.#giveUp = () => reject(new ReadSupersededError(this.topic, this.partition));
    });
  }
}

export function records(...offsets: number[]): LogRecord[] {
  return offsets.map((offset) => ({ offset, appendTime: 0, key: 'k', value: new Uint8Array() }));
}
