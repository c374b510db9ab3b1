// The run: open both ends, read, write. It speaks through `progress` and returns the sums; printing is the command's.
import { loadLogAddress } from '../../kernel/configuration.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import type { Progress } from '../shared/progress.ts';
import type { TapArguments } from './arguments.ts';
import { copyLog } from './copy-log.ts';
import { openEmbeddedSource } from './embedded-source.ts';
import { EventReader } from './event-reader.ts';
import { type EventSource, SourceAwayError } from './event-source.ts';
import { ExportWriter } from './export-writer.ts';
import { openKafkaSource } from './kafka-source.ts';
import { OutputFolder } from './output-folder.ts';
import { startingOffsets } from './starting-offsets.ts';
import { BadInput, TapFailed } from './tap-error.ts';
import { NO_TOTALS, type TapState, type Totals } from './tap-state.ts';

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

/** `begun`: the topic of an export that goes on. @throws BadInput */
export type OpenSource = (run: TapRun, begun: string | null) => Promise<EventSource>;

/** @throws BadInput before anything was written, TapFailed after: what was read before that is in the files. */
export async function runTap(run: TapRun, open: OpenSource = openSource): Promise<TapResult> {
  const { options, runtime } = run;
  const startedAt_ms = runtime.monotonic();
  const folder = OutputFolder.open(options.out, options.to);
  let source: EventSource | null = null;
  try {
    const state = loadState(run, folder);
    source = await open(run, state?.topic ?? null);
    tellPlaces(run, source, folder, state);
    const reader = await openReader(run, source, state);
    const writer = new ExportWriter({ options, folder, source, reader, state, runtime });
    await exportLog(run, source, reader, writer);
    const before = { ...(state?.totals ?? NO_TOTALS), files: state?.files ?? 0 };
    const total = { ...writer.totals, files: writer.files };
    const time_s = Math.round(runtime.monotonic() - startedAt_ms) / 1000;
    return { written: difference(total, before), total, out: folder.path, time_s };
  } catch (error) {
    const told = error instanceof SourceAwayError ? new BadInput(`${error.message}.`) : error;
    if (told instanceof BadInput) folder.discard();
    throw told;
  } finally {
    folder.close();
    await source?.close();
  }
}

function loadState({ options }: TapRun, folder: OutputFolder): TapState | null {
  const state = folder.load();
  if (state === null || state.from === options.fromText) return state;
  throw new BadInput(
    `${folder.path} was begun with --from ${state.from}, and goes on where it stopped: leave --from as it was, or name another folder.`,
  );
}

async function openSource({ options, env, runtime }: TapRun, begun: string | null): Promise<EventSource> {
  const address = loadLogAddress(env);
  if ('errors' in address) throw new BadInput(address.errors.join(' '));
  const { data, kafka, prefix } = address;
  const profile = options.profile ?? (kafka === null ? 'embedded' : 'cluster');
  if (profile === 'embedded') return openEmbeddedSource(data);
  if (kafka === null)
    throw new BadInput('--profile cluster: FANLOG_KAFKA is not set. Name some of the brokers (host:port).');
  return openKafkaSource({ brokers: kafka, prefix, begun, runtime });
}

function tellPlaces({ progress }: TapRun, source: EventSource, folder: OutputFolder, state: TapState | null): void {
  progress.note(`reading    ${source.topic} of ${source.name}`);
  if (source.newerTopic !== null) {
    progress.note(
      `           ${source.newerTopic} is there, too: export that into another folder (schemas/README.md, "A new generation")`,
    );
  }
  progress.note(`writing    ${folder.path}${state === null ? '' : `, on behind file ${state.files}`}`);
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

/** All that was read is in files, also when the reader could not go on: else each new try would begin from there again. */
async function exportLog(run: TapRun, source: EventSource, reader: EventReader, writer: ExportWriter): Promise<void> {
  const { progress } = run;
  try {
    const failure = await copyLog(run, source, reader, writer).then(() => null, orFailure);
    await writer.roll();
    if (failure !== null) throw failure;
  } catch (error) {
    writer.abandon();
    throw failureOf(error);
  } finally {
    progress.end();
  }
}

/** Whatever else ends the copying may have left the writer in between. */
function orFailure(error: unknown): TapFailed {
  if (error instanceof TapFailed) return error;
  throw error;
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
