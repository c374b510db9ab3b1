// The run: open both ends, read, write. It speaks through `progress` and returns the sums; printing is the command's.
import { loadLogAddress } from '../../kernel/configuration.ts';
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import type { Progress } from '../shared/progress.ts';
import type { TapArguments } from './arguments.ts';
import { openEmbeddedSource } from './embedded-source.ts';
import { type Chunk, EventReader } from './event-reader.ts';
import { type EventSource, SourceAwayError } from './event-source.ts';
import { ExportWriter } from './export-writer.ts';
import { openKafkaSource } from './kafka-source.ts';
import { OutputFolder } from './output-folder.ts';
import { startingOffsets } from './starting-offsets.ts';
import { BadInput, TapFailed } from './tap-error.ts';
import { NO_TOTALS, type TapState, type Totals } from './tap-state.ts';

/** With --follow: between two looks at a log that had nothing new. */
const POLL_MS = 500;
/** A broker that is away comes back; without --follow somebody waits for the end of this command. */
const AWAY_MS_MAX = 60_000;
const AWAY_PAUSE_MS = 1_000;

export interface TapRun {
  readonly options: TapArguments;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly runtime: Runtime;
  readonly progress: Progress;
  /** Aborted: what was read becomes files, and the run ends. */
  readonly interrupted: AbortSignal;
}

export interface TapResult {
  /** Of this run. */
  readonly written: Totals & { readonly files: number };
  /** Of all runs on this folder. */
  readonly total: Totals & { readonly files: number };
  readonly out: string;
  readonly time_s: number;
}

/** @throws BadInput before anything was written, TapFailed after. */
export async function runTap(run: TapRun): Promise<TapResult> {
  const { options, runtime, progress } = run;
  const startedAt_ms = runtime.monotonic();
  const source = await openSource(run);
  let folder: OutputFolder | null = null;
  try {
    folder = OutputFolder.open(options.out, options.to);
    const state = folder.load();
    if (state !== null && state.from !== options.fromText) {
      throw new BadInput(
        `${folder.path} was begun with --from ${state.from}, and goes on where it stopped: leave --from as it was, or name another folder.`,
      );
    }
    progress.note(`reading    ${source.topic} of ${source.name}`);
    progress.note(`writing    ${folder.path}${state === null ? '' : `, on behind file ${state.files}`}`);
    const reader = await openReader(run, source, state);
    const writer = new ExportWriter({ options, folder, source, reader, state, runtime });
    try {
      await copy(run, source, reader, writer);
      await writer.roll();
    } catch (error) {
      writer.abandon();
      throw failureOf(error);
    } finally {
      progress.end();
    }
    const before = { ...(state?.totals ?? NO_TOTALS), files: state?.files ?? 0 };
    const total = { ...writer.totals, files: writer.files };
    const time_s = Math.round(runtime.monotonic() - startedAt_ms) / 1000;
    return { written: difference(total, before), total, out: folder.path, time_s };
  } catch (error) {
    if (error instanceof BadInput) folder?.discard();
    if (error instanceof SourceAwayError) throw new BadInput(`${source.name} does not answer: ${error.message}.`);
    throw error;
  } finally {
    folder?.close();
    await source.close();
  }
}

async function openSource({ options, env, runtime }: TapRun): Promise<EventSource> {
  const address = loadLogAddress(env);
  if ('errors' in address) throw new BadInput(address.errors.join(' '));
  const { data, kafka, prefix } = address;
  const profile = options.profile ?? (kafka === null ? 'embedded' : 'cluster');
  if (profile === 'embedded') return openEmbeddedSource(data);
  if (kafka === null)
    throw new BadInput('--profile cluster: FANLOG_KAFKA is not set. Name some of the brokers (host:port).');
  return openKafkaSource({ brokers: kafka, prefix, runtime });
}

async function openReader({ options, progress }: TapRun, source: EventSource, state: TapState | null) {
  const { from } = options;
  const since_ms = from.type === 'time' ? from.time_ms : Number.NEGATIVE_INFINITY;
  if (state !== null) return EventReader.resume(source, state, since_ms);
  const offsets = await startingOffsets(source, from);
  if (from.type === 'earliest') {
    for (const [partition, offset] of offsets.entries()) {
      if (offset === 0) continue;
      progress.note(`           partition ${partition} begins at offset ${offset}: what was before was trimmed`);
    }
  }
  return EventReader.begin(source, offsets, since_ms);
}

/** Up to where the log ends now; with --follow, from there on until the run is interrupted. */
async function copy(run: TapRun, source: EventSource, reader: EventReader, writer: ExportWriter): Promise<void> {
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

/** Waits for a log that is away: for ever with --follow, a minute otherwise. Empty when the run is interrupted. */
async function readPatiently(
  { options, runtime, progress, interrupted }: TapRun,
  reader: EventReader,
  ends: readonly number[] | null,
): Promise<Chunk> {
  const deadline_ms = options.follow ? Number.POSITIVE_INFINITY : runtime.monotonic() + AWAY_MS_MAX;
  for (let attempt = 1; !interrupted.aborted; attempt++) {
    try {
      return await reader.read(ends);
    } catch (error) {
      if (!(error instanceof SourceAwayError)) throw error;
      if (runtime.monotonic() >= deadline_ms) throw new TapFailed(`The log does not answer: ${error.message}.`);
      if (attempt === 1) progress.note(`           the log does not answer (${error.message}); asking again`);
      await sleep(runtime, AWAY_PAUSE_MS, interrupted);
    }
  }
  return { records: 0, repeats: 0, rows: [] };
}

function nextTurn(runtime: Runtime): Promise<void> {
  return sleep(runtime, 0);
}

/** A disk that is full, and whatever else ends the writing, is said in one line. */
function failureOf(error: unknown): unknown {
  if (error instanceof TapFailed || error instanceof BadInput) return error;
  const isOfSystem = error instanceof Error && 'code' in error;
  return isOfSystem ? new TapFailed(`The files cannot be written: ${error.message}.`) : error;
}

function difference(a: TapResult['total'], b: TapResult['total']): TapResult['written'] {
  return {
    events: a.events - b.events,
    conversations: a.conversations - b.conversations,
    repeats: a.repeats - b.repeats,
    bytes: a.bytes - b.bytes,
    files: a.files - b.files,
  };
}
