// The log of the embedded profile, in its data folder, whether a server runs there or not.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDED_LAYOUT, topicOf } from '../../events/topics.ts';
import { DATA_FORMAT } from '../../kernel/data-folder.ts';
import { damagedLmdbFile } from '../../ports/log/embedded/check-lmdb-files.ts';
import type { Table } from '../../ports/log/embedded/open-environment.ts';
import { openLogForReading } from '../../ports/log/embedded/open-log-for-reading.ts';
import { PartitionLog } from '../../ports/log/embedded/partition-log.ts';
import type { LogRecord } from '../../ports/log/event-log.ts';
import type { EventSource } from './event-source.ts';
import { BadInput, TapFailed } from './tap-error.ts';

const MARKER = 'fanlog.format';

/** @throws BadInput */
export function openEmbeddedSource(folder: string): EventSource {
  checkFolder(folder);
  // Asked before it is opened: a file that is put there in between is not taken for the one that was opened.
  const opened = logFileIn(folder);
  const table = openTable(folder);
  // It knows what was stored when it was made: a new one each time, on what the server has flushed by now.
  const log = (partition: number) => {
    table.resetReadTxn();
    return new PartitionLog(table, EMBEDDED_LAYOUT.generation, 'timeline', partition);
  };
  // lmdb would go on with the file that it opened, though that has no name any more and nobody writes to it.
  const onSameFile = <T>(ask: () => T): T => {
    try {
      if (logFileIn(folder) === opened) return ask();
    } catch (error) {
      // As those of lmdb and of the file system have one.
      if (!(error instanceof Error && 'code' in error)) throw error;
      throw new TapFailed(`The log in ${folder} cannot be read: ${error.message}.`, { cause: error });
    }
    throw new TapFailed(
      `The log in ${folder} was replaced or taken away while it was read. Run it again: it goes on if the log is still the same.`,
    );
  };
  return {
    topic: topicOf(EMBEDDED_LAYOUT, 'timeline'),
    newerTopic: null,
    partitions: EMBEDDED_LAYOUT.partitions.timeline,
    sourcePartitions: EMBEDDED_LAYOUT.partitions.messages,
    name: `the data folder ${folder}`,
    range: async (partition) =>
      onSameFile(() => {
        const { start, end } = log(partition);
        return { start, end };
      }),
    read: async (partition, offset, records_max) => onSameFile(() => readBatches(log(partition), offset, records_max)),
    close: () => table.close(),
  };
}

/** A read is of one batch, and on a quiet server a batch is one record: many of them at a time. */
function readBatches(log: PartitionLog, offset: number, records_max: number): readonly LogRecord[] {
  const records = [...log.read(offset, records_max)];
  try {
    while (records.length < records_max && offset + records.length < log.end) {
      for (const record of log.read(offset + records.length, records_max - records.length)) records.push(record);
    }
  } catch {
    // What stands before it is good; the next read begins with it, and says what is wrong.
  }
  return records;
}

/** Which file the log is in now, by the file system's number for it; null: there is none. */
function logFileIn(folder: string): string | null {
  const stats = statSync(join(folder, 'log', 'data.mdb'), { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}

function checkFolder(folder: string): void {
  if (!existsSync(join(folder, MARKER))) {
    throw new BadInput(`${folder} is no data folder of fanlog. Name the one that the server has: FANLOG_DATA.`);
  }
  let format: unknown;
  try {
    format = (JSON.parse(readFileSync(join(folder, MARKER), 'utf8')) as { format?: unknown }).format;
  } catch {
    throw new BadInput(`The file ${MARKER} in ${folder} cannot be read, or is not one that fanlog wrote.`);
  }
  if (format !== DATA_FORMAT) {
    throw new BadInput(`${folder} has format ${String(format)}, and this version reads ${DATA_FORMAT}.`);
  }
  const damaged = damagedLmdbFile(folder);
  if (damaged !== null) throw new BadInput(`The file ${damaged} is damaged: it is no lmdb file any more.`);
}

function openTable(folder: string): Table {
  let table: Table | null;
  try {
    table = openLogForReading(folder);
  } catch (error) {
    throw new BadInput(`The log in ${folder} cannot be opened: ${error instanceof Error ? error.message : error}.`);
  }
  if (table === null) throw new BadInput(`${folder} holds no log yet. Start the server on it once.`);
  return table;
}
