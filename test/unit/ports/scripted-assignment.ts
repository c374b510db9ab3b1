// An assignment whose reads are scripted by the test.
import type { TopicName } from '../../../services/events/topics.ts';
import type { LogRecord, PartitionAssignment } from '../../../services/ports/log/event-log.ts';

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

export function records(...offsets: number[]): LogRecord[] {
  return offsets.map((offset) => ({ offset, appendTime: 0, key: 'k', value: new Uint8Array() }));
}
