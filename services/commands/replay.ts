// `npm run replay -- --from messages|inbox`: every derived table anew from the log, compared, and put in force.
import { createWriteStream } from 'node:fs';
import { loadConfiguration } from '../kernel/configuration.ts';
import { createLogger } from '../kernel/logger.ts';
import { Metrics } from '../kernel/metrics.ts';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { KafkaUnavailableError } from '../ports/log/kafka/kafka-client.ts';
import { StoreError } from '../ports/store/state-store.ts';
import { Closing } from '../profiles/closing.ts';
import { openTableSets } from '../profiles/open-table-sets.ts';
import { StartError } from '../profiles/start-error.ts';
import type { Compared } from '../replay/compare/comparison.ts';
import { type ReplayReport, replay } from '../replay/replay.ts';
import { ReplayError } from '../replay/replay-error.ts';
import { type ReplayArguments, readArguments, USAGE } from './replay/arguments.ts';
import { reportJson, reportText } from './replay/print-report.ts';
import { interruptSignal } from './shared/interrupt.ts';
import { Progress } from './shared/progress.ts';

const EXIT_DIFFERENT = 1;
const EXIT_FAILED = 2;

// What was written stays, and is gone on with; a second signal leaves at once.
const interrupted = interruptSignal();

try {
  process.exitCode = await main();
} catch (error) {
  if (interrupted.aborted) {
    process.stderr.write(
      'fanlog replay: interrupted; the same command goes on where it was (with --partition: begins anew).\n',
    );
    process.exitCode = interrupted.reason as number;
  } else {
    const isTold = [ReplayError, StartError, StoreError, KafkaUnavailableError].some((type) => error instanceof type);
    const { message, stack = message } = error as Error;
    process.stderr.write(`fanlog replay: ${isTold ? message.replaceAll('\n', ' ') : stack}\n`);
    process.exitCode = EXIT_FAILED;
  }
}
// A read that still waits would hold the process up; what is printed must be out first.
process.stdout.write('', () => process.exit());

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const loaded = loadConfiguration(process.env);
  if ('errors' in loaded) throw new ReplayError(loaded.errors.join(' '));
  const runtime = systemRuntime;
  const logger = createLogger(loaded.configuration.logLevel === 'debug' ? 'debug' : 'warn', () => runtime.now());
  const closing = new Closing();
  try {
    const opened = await openTableSets(loaded.configuration, { runtime, logger, metrics: new Metrics() }, closing);
    refuseUnknownPartitions(options, opened.generation.partitions[options.from]);
    const progress = new Progress(process.stderr, runtime);
    const watcher = {
      begin: (phase: string, total: number) => {
        progress.begin(phase, total, phase === 'compare' ? 'users and conversations' : 'records');
      },
      advanced: (count: number) => progress.advance(count),
      note: (text: string) => progress.note(text),
    };
    const digests = options.digests === null ? null : createWriteStream(options.digests);
    const onCompared = (what: string, name: string, { verdict, rows, digest, liveDigest }: Compared) => {
      digests?.write(`${JSON.stringify({ what, name, verdict, rows, digest, liveDigest })}\n`);
    };
    const before = process.cpuUsage();
    const report = await replay({ ...opened, ...options, runtime, signal: interrupted, watcher, onCompared });
    progress.end();
    const { user, system } = process.cpuUsage(before);
    const cost = { cpu_s: (user + system) / 1e6 };
    process.stdout.write(options.json ? reportJson(report, cost) : `\n${reportText(report, cost)}`);
    await new Promise<void>((resolve) => (digests === null ? resolve() : digests.end(resolve)));
    return exitCodeOf(options, report);
  } finally {
    await closing.closeAll();
  }
}

function refuseUnknownPartitions({ only, from }: ReplayArguments, count: number): void {
  for (const partition of only ?? [])
    if (partition >= count)
      throw new ReplayError(`--partition ${partition}: ${from} has partitions 0 to ${count - 1}.`);
}

function exitCodeOf({ dryRun }: ReplayArguments, { differences, compared }: ReplayReport): number {
  const behind = compared.users.behind + compared.conversations.behind;
  return dryRun && differences.count + behind > 0 ? EXIT_DIFFERENT : 0;
}
