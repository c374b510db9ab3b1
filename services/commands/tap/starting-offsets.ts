// Where a new export begins, in each partition.
import { OffsetOutOfRangeError } from '../../ports/log/event-log.ts';
import type { Start } from './arguments.ts';
import type { EventSource } from './event-source.ts';
import { BadInput } from './tap-error.ts';

/**
 * An event's time is that of its command in `messages`; it stands in `timeline` later, by the clock of another broker, and
 * clocks of brokers have differed by hours. So the look-up by append time begins this much earlier: a day is read for
 * nothing, and what is older than asked for is then left out by its own time.
 */
const CLOCKS_APART_MS = 24 * 60 * 60 * 1000;

/** The offset of the first record to look at, by partition. @throws BadInput */
export async function startingOffsets(source: EventSource, from: Start): Promise<number[]> {
  if (from.type === 'offsets') {
    for (const partition of from.offsets.keys()) {
      if (partition < source.partitions) continue;
      throw new BadInput(`--from: ${source.topic} has ${source.partitions} partitions, no ${partition}.`);
    }
  }
  const offsets: number[] = [];
  for (let partition = 0; partition < source.partitions; partition++) {
    offsets.push(await startingOffset(source, from, partition));
  }
  return offsets;
}

async function startingOffset(source: EventSource, from: Start, partition: number): Promise<number> {
  const { start, end } = await source.range(partition);
  if (from.type === 'earliest') return start;
  if (from.type === 'time') return firstSince(source, partition, from.time_ms - CLOCKS_APART_MS, { start, end });
  const wanted = from.offsets.get(partition) ?? start;
  if (wanted >= start && wanted <= end) return wanted;
  throw new BadInput(
    `--from: partition ${partition} of ${source.topic} holds offsets ${start} to ${end}, no ${wanted}.`,
  );
}

/** The offset of the first record that was appended at `time_ms` or later. */
async function firstSince(
  source: EventSource,
  partition: number,
  time_ms: number,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<number> {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [record] = await readOrRefuse(source, partition, middle);
    if (record === undefined || record.appendTime >= time_ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

async function readOrRefuse(source: EventSource, partition: number, offset: number) {
  try {
    return await source.read(partition, offset, 1);
  } catch (error) {
    if (!(error instanceof OffsetOutOfRangeError)) throw error;
    throw new BadInput(
      `Partition ${partition} of ${source.topic} was trimmed while --from was looked up in it. Run it again.`,
    );
  }
}
