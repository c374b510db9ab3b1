// Rows into files: begins one with the first row, ends it when it is large or old enough, and writes the state with it.
import type { Runtime } from '../../kernel/runtime.ts';
import type { TapArguments } from './arguments.ts';
import type { Chunk, EventReader } from './event-reader.ts';
import type { EventSource } from './event-source.ts';
import type { OutputFolder } from './output-folder.ts';
import type { RowFile } from './row-file.ts';
import { NO_TOTALS, STATE_FORMAT, type TapState, type Totals } from './tap-state.ts';

export interface ExportWriterOptions {
  readonly options: Pick<TapArguments, 'to' | 'fromText' | 'roll_bytes' | 'roll_ms'>;
  readonly folder: OutputFolder;
  readonly source: EventSource;
  readonly reader: EventReader;
  /** Where an earlier run stopped. */
  readonly state: TapState | null;
  readonly runtime: Runtime;
}

export class ExportWriter {
  readonly #options: ExportWriterOptions;
  #file: RowFile | null = null;
  #fileSince_ms = 0;
  #files: number;
  #totals: Totals;
  /** Something was read since the state was written. */
  #isDirty = false;

  constructor(options: ExportWriterOptions) {
    this.#options = options;
    this.#files = options.state?.files ?? 0;
    this.#totals = options.state?.totals ?? NO_TOTALS;
  }

  get files(): number {
    return this.#files;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** What `reader` has just read. */
  async add({ records, repeats, rows }: Chunk): Promise<void> {
    if (records === 0) return;
    const { options, folder, runtime } = this.#options;
    this.#isDirty = true;
    if (this.#file === null && rows.length > 0) {
      this.#file = folder.newFile(this.#files + 1);
      this.#fileSince_ms = runtime.monotonic();
    }
    let conversations = 0;
    for (const row of rows) {
      this.#file!.add(row);
      if (row.seq === 1) conversations++;
    }
    this.#totals = {
      events: this.#totals.events + rows.length,
      conversations: this.#totals.conversations + conversations,
      repeats: this.#totals.repeats + repeats,
      bytes: this.#totals.bytes,
    };
    if (this.#file !== null && this.#file.bytes >= options.roll_bytes) await this.roll();
  }

  /** Whether a file is open for so long that readers should have it. */
  get isOld(): boolean {
    const { options, runtime } = this.#options;
    return this.#file !== null && runtime.monotonic() - this.#fileSince_ms >= options.roll_ms;
  }

  /** All that was read so far is part of the export then. */
  async roll(): Promise<void> {
    if (!this.#isDirty) return;
    const { options, folder, source, reader } = this.#options;
    if (this.#file !== null) {
      const file_bytes = await this.#file.close();
      this.#file = null;
      this.#files++;
      this.#totals = { ...this.#totals, bytes: this.#totals.bytes + file_bytes };
    }
    const { to, fromText } = options;
    const { topic } = source;
    folder.commit({
      format: STATE_FORMAT,
      to,
      from: fromText,
      topic,
      ...reader.place,
      files: this.#files,
      totals: this.#totals,
    });
    this.#isDirty = false;
  }

  /** After an error of the files: what was not rolled is not part of the export. */
  abandon(): void {
    this.#file?.abandon();
    this.#file = null;
  }
}
