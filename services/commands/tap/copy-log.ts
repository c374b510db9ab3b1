// From the reader to the writer, until the log ends or the run is interrupted.
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import { type Chunk, type EventReader, NO_CHUNK } from './event-reader.ts';
import { type EventSource, SourceAwayError, SourceChangedError } from './event-source.ts';
import type { ExportWriter } from './export-writer.ts';
import type { TapRun } from './run-tap.ts';
import { TapFailed } from './tap-error.ts';

/** With --follow: between two looks at a log that had nothing new. */
const POLL_MS = 500;
/** A broker that is away comes back; without --follow somebody waits for the end of this command. */
const AWAY_MS_MAX = 60_000;
const AWAY_PAUSE_MS = 1_000;

/**
 * Up to where the log ends now; with --follow, from there on until the run is interrupted.
 * @throws TapFailed from the reader only: what it gave before is with the writer, and in order
 */
export async function copyLog(
  run: TapRun,
  source: EventSource,
  reader: EventReader,
  writer: ExportWriter,
): Promise<void> {
  const { options, runtime, progress, interrupted } = run;
  const ends = await Promise.all(
    Array.from({ length: source.partitions }, async (_, partition) => (await source.range(partition)).end),
  );
  progress.begin('exporting', reader.left(ends), 'records');
  while (!interrupted.aborted) {
    const chunk = await readPatiently(run, reader, ends);
    if (chunk.records === 0) {
      if (reader.left(ends) === 0) break;
      // After an election a broker may give nothing for a moment of what it has.
      await sleep(runtime, POLL_MS, interrupted);
      continue;
    }
    progress.advance(chunk.records);
    await writer.add(chunk);
    await nextTurn(runtime); // signals and the progress want to be heard
  }
  progress.end();
  if (!options.follow || interrupted.aborted) return;
  // What is there already need not wait for what comes.
  await writer.roll();
  progress.note(`following  a file every ${options.roll_ms / 1000} s in which something was decided; Ctrl-C ends it`);
  while (!interrupted.aborted) {
    const chunk = await readPatiently(run, reader, null);
    await writer.add(chunk);
    if (writer.isOld) await writer.roll();
    if (chunk.records === 0) await sleep(runtime, POLL_MS, interrupted);
    else await nextTurn(runtime);
  }
}

/**
 * Waits for a log that is away: for ever with --follow, a minute otherwise; and a minute for one that is there and not as it
 * was. Empty when the run is interrupted.
 */
async function readPatiently(
  { options, runtime, progress, interrupted }: TapRun,
  reader: EventReader,
  ends: readonly number[] | null,
): Promise<Chunk> {
  const begun_ms = runtime.monotonic();
  let changedSince_ms: number | null = null;
  for (let attempt = 1; !interrupted.aborted; attempt++) {
    try {
      // While it was away, its topic may have been deleted and made anew.
      if (attempt > 1) await reader.compare();
      return await reader.read(ends);
    } catch (error) {
      if (!(error instanceof SourceAwayError)) throw error;
      const now_ms = runtime.monotonic();
      changedSince_ms = error instanceof SourceChangedError ? (changedSince_ms ?? now_ms) : null;
      const since_ms = options.follow ? (changedSince_ms ?? now_ms) : begun_ms;
      if (now_ms - since_ms >= AWAY_MS_MAX) throw new TapFailed(`${error.message}.`);
      if (attempt === 1) progress.note(`           ${error.message}; asking again`);
      await sleep(runtime, AWAY_PAUSE_MS, interrupted);
    }
  }
  return NO_CHUNK;
}

function nextTurn(runtime: Runtime): Promise<void> {
  return sleep(runtime, 0);
}
