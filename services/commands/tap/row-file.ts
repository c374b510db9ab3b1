// A file of rows that is being written. Nobody sees it under its name before it is whole: output-folder.ts.
import type { Format } from './arguments.ts';
import { AvroFile } from './avro-file.ts';
import type { EventRow } from './event-row.ts';
import { ParquetFile } from './parquet-file.ts';

export interface RowFile {
  /** About what it takes so far, with what waits in memory for the next block. */
  readonly bytes: number;
  add(row: EventRow): void;
  /** Writes what waits, and the end. Resolves with the file's bytes when the disk has all of them. */
  close(): Promise<number>;
  /** Lets go of the file, which stays as it is: half. */
  abandon(): void;
}

/** Makes the file, or empties it. @throws what the file system says */
export function openRowFile(format: Format, path: string): RowFile {
  return format === 'avro' ? new AvroFile(path) : new ParquetFile(path);
}
