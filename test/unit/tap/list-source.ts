// A log in memory: what stands in it, and what a read of it says, is the test's to change.
import type { EventSource } from '../../../services/commands/tap/event-source.ts';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { partitionOf } from '../../../services/events/partition.ts';
import { type LogRecord, OffsetOutOfRangeError } from '../../../services/ports/log/event-log.ts';

export class ListSource implements EventSource {
  readonly topic: string = 'timeline.g1';
  readonly newerTopic: string | null = null;
  readonly name = 'a list';
  readonly partitions: number;
  readonly sourcePartitions: number;
  /** By partition; the first one has the offset `start`. */
  records: LogRecord[][];
  start = 0;
  /** Called before each read; what it throws is what the read says. */
  beforeRead: (partition: number, offset: number) => void = () => {};

  constructor(records: LogRecord[][]) {
    this.records = records;
    this.partitions = records.length;
    this.sourcePartitions = records.length;
  }

  async range(partition: number): Promise<{ start: number; end: number }> {
    return { start: this.start, end: this.start + this.records[partition]!.length };
  }

  async read(partition: number, offset: number, records_max: number): Promise<readonly LogRecord[]> {
    this.beforeRead(partition, offset);
    const { start, end } = await this.range(partition);
    if (offset < start || offset > end) throw new OffsetOutOfRangeError('timeline', partition, offset);
    return this.records[partition]!.slice(offset - start, offset - start + records_max);
  }

  async close(): Promise<void> {}
}

/** `partitions` times `count` messages of one conversation each. */
export function messagesIn(partitions: number, count: number, text = 'text'): LogRecord[][] {
  return Array.from({ length: partitions }, (_, partition) => {
    const conversationId = conversationIn(partition, partitions);
    return Array.from({ length: count }, (_, offset) => messageAt(conversationId, offset, text));
  });
}

function messageAt(conversationId: string, offset: number, text: string): LogRecord {
  const value = encodeTimelineEvent({
    type: 'MessageSent',
    conversationId,
    seq: offset + 1,
    ordinal: offset + 1,
    sender: 'ann',
    commandId: '019b76d0-0000-7000-8000-000000000000',
    time: offset * 1_000,
    position: offset,
    contentType: 'text/plain',
    keyId: null,
    payload: Buffer.from(`${text} ${offset}`),
  });
  return { offset, appendTime: offset * 1_000, key: conversationId, value };
}

function conversationIn(partition: number, partitions: number): string {
  for (let number = 0; ; number++) {
    const id = `g:${number.toString(16).padStart(32, '0')}`;
    if (partitionOf(id, partitions) === partition) return id;
  }
}
