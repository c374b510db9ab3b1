// How far the log was decided: a rebuilt set may not be ahead of that.
//
// A conversation's row, and the checkpoint, say of every command below them that what it came to stands in `timeline` and
// `inbox` (R4). A rebuild appends nothing, so it cannot know; the live fanout knows, and says so in its checkpoint. A set
// that was ahead of it would make the fanout pass over commands that nobody appended the outcome of.
import { decodeInboxRecord, UnreadableRecordError } from '../events/codec.ts';
import type { InboxRecord } from '../events/inbox-records.ts';
import { offsetOf } from '../events/position.ts';
import { FANOUT_SETTINGS } from '../fanout/index.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { StateStore } from '../ports/store/state-store.ts';

export interface DecidedOptions {
  readonly log: Pick<EventLog, 'layout' | 'readFrom' | 'startOffset' | 'endOffset'>;
  readonly live: Pick<StateStore, 'loadCheckpoint'>;
}

const CHUNK_RECORDS = 2_000;

export class DecidedOffsets {
  readonly #options: DecidedOptions;
  /** Searched once: later it could only be higher. */
  #told: Promise<ReadonlyMap<number, number>> | null = null;

  constructor(options: DecidedOptions) {
    this.#options = options;
  }

  /** By partition of `messages`: everything below was decided, and what it came to is in the topics. @throws StoreError */
  async read(): Promise<number[]> {
    const { log, live } = this.#options;
    const partitions = Array.from({ length: log.layout.partitions.messages }, (_, partition) => partition);
    const checkpoints = await Promise.all(partitions.map((partition) => live.loadCheckpoint('messages', partition)));
    if (checkpoints.every((checkpoint) => checkpoint !== null))
      return checkpoints.map((checkpoint) => checkpoint!.offset);
    // The live tables are gone, or have never been as far: the topics themselves tell.
    const told = await this.#toldByTopics();
    return partitions.map((partition) => Math.max(checkpoints[partition]?.offset ?? 0, told[partition]!));
  }

  /**
   * The same for a fanout that stays behind: it may be deciding everything a second time, in tables that were emptied, and
   * what it came to the first time stands in the topics. @throws StoreError
   */
  async readTopicsToo(): Promise<number[]> {
    const told = await this.#toldByTopics();
    return (await this.read()).map((offset, partition) => Math.max(offset, told[partition]!));
  }

  async #toldByTopics(): Promise<number[]> {
    const { log } = this.#options;
    this.#told ??= lastSources(log);
    const told = await this.#told.catch((error: unknown) => {
      this.#told = null;
      throw error;
    });
    return Array.from({ length: log.layout.partitions.messages }, (_, partition) => decidedBelow(told.get(partition)));
  }
}

/** A slice of commands is appended when the one before it was acknowledged; of the last slice only a part may be there. */
function decidedBelow(lastSource: number | undefined): number {
  return lastSource === undefined ? 0 : Math.max(0, lastSource + 1 - FANOUT_SETTINGS.slice_records_max);
}

/** By partition of `messages`: the highest offset that a record of `inbox` comes from. Read from the ends backwards. */
async function lastSources(log: DecidedOptions['log']): Promise<ReadonlyMap<number, number>> {
  const last = new Map<number, number>();
  const cursors = await Promise.all(
    Array.from({ length: log.layout.partitions.inbox }, async (_, partition) => {
      const start = await log.startOffset('inbox', partition);
      return { partition, start, end: await log.endOffset('inbox', partition) };
    }),
  );
  const isOpen = () => cursors.some(({ start, end }) => end > start);
  const wanted = await partitionsInUse(log);
  while (wanted.some((partition) => !last.has(partition)) && isOpen())
    for (const cursor of cursors) {
      const from = Math.max(cursor.start, cursor.end - CHUNK_RECORDS);
      for (let next = from; next < cursor.end; ) {
        const records = await log.readFrom('inbox', cursor.partition, next, cursor.end - next);
        if (records.length === 0) break;
        for (const { value } of records) {
          const source = sourceOf(value);
          if (source !== null)
            last.set(
              source.sourcePartition,
              Math.max(last.get(source.sourcePartition) ?? 0, offsetOf(source.sourcePosition)),
            );
        }
        next += records.length;
      }
      cursor.end = from;
    }
  return last;
}

async function partitionsInUse(log: DecidedOptions['log']): Promise<number[]> {
  const partitions = Array.from({ length: log.layout.partitions.messages }, (_, partition) => partition);
  const ends = await Promise.all(partitions.map((partition) => log.endOffset('messages', partition)));
  return partitions.filter((partition) => ends[partition]! > 0);
}

/** null: parked, or of a version to come; without it the result is only lower. */
function sourceOf(value: Uint8Array): Pick<InboxRecord, 'sourcePartition' | 'sourcePosition'> | null {
  try {
    return decodeInboxRecord(value);
  } catch (error) {
    if (error instanceof UnreadableRecordError) return null;
    throw error;
  }
}
