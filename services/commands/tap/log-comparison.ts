// Whether a log is still the one that an export was made from: in each partition the last record read must stand where it
// stood. A topic that was deleted and made anew has the same name, and offsets that begin with the same numbers.
import { createHash } from 'node:crypto';
import { type LogRecord, OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import type { EventSource } from './event-source.ts';
import type { TapState } from './tap-state.ts';

export interface Difference {
  /** A sentence for people. */
  readonly message: string;
  /** Whether brokers that are just changing leaders may look like this, too. */
  readonly mayPass: boolean;
}

type Known = Pick<TapState, 'topic' | 'next' | 'last' | 'positions'>;

/** null: it is the same log, and what comes next is still there. @throws as the source */
export async function differenceIn(source: EventSource, known: Known): Promise<Difference | null> {
  if (known.topic !== source.topic) return otherTopic(source, known.topic);
  const { partitions, sourcePartitions } = source;
  if (known.next.length !== partitions || known.positions.length !== sourcePartitions) return otherLog(source);
  for (const [partition, next] of known.next.entries()) {
    const difference = await differenceOf(source, partition, next, known.last[partition]!);
    if (difference !== null) return difference;
  }
  return null;
}

async function differenceOf(
  source: EventSource,
  partition: number,
  next: number,
  last: string | null,
): Promise<Difference | null> {
  const { start, end } = await source.range(partition);
  if (next > end) return tooShort(source, partition, next, end);
  if (next < start) return { message: trimmed(source, partition, next, start), mayPass: false };
  if (last === null || next === start) return null; // or nothing is left to compare
  try {
    const [record] = await source.read(partition, next - 1, 1);
    if (record === undefined) return tooShort(source, partition, next, end);
    return hashOf(record) === last ? null : otherLog(source);
  } catch (error) {
    if (!(error instanceof OffsetOutOfRangeError)) throw error;
    const message = `Partition ${partition} of ${source.topic} is just being trimmed. Run it again.`;
    return { message, mayPass: true };
  }
}

export function hashOf({ value }: LogRecord): string {
  return createHash('sha256').update(value).digest('hex');
}

export function trimmed({ topic }: EventSource, partition: number, offset: number, start: number): string {
  return `Partition ${partition} of ${topic} was trimmed: it begins at ${start}, and ${offset} is the next one to export. What was between is gone; begin anew in another folder (--out).`;
}

// A new leader knows of the last records only a moment later.
function tooShort({ name }: EventSource, partition: number, offset: number, end: number): Difference {
  const message = `The folder was begun from another log than that of ${name}, or its brokers are just changing leaders: partition ${partition} ends at ${end}, the folder is at ${offset}. Name another folder (--out), or run it again.`;
  return { message, mayPass: true };
}

function otherLog({ name }: EventSource): Difference {
  const message = `The folder was begun from another log than that of ${name}. Name another folder: --out.`;
  return { message, mayPass: false };
}

function otherTopic({ name, topic }: EventSource, begun: string): Difference {
  const message = `The folder was begun from the topic ${begun}, and ${name} has ${topic}. Name another folder for that: --out.`;
  return { message, mayPass: false };
}
