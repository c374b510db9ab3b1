// `npm run tap -- --to parquet --out DIR`: what was decided, as files that an analyst opens.
import { systemRuntime } from '../kernel/system-runtime.ts';
import { interruptSignal } from './shared/interrupt.ts';
import { Progress } from './shared/progress.ts';
import { readArguments, USAGE } from './tap/arguments.ts';
import { runTap } from './tap/run-tap.ts';
import { summaryText } from './tap/summary.ts';
import { BadInput, TapFailed } from './tap/tap-error.ts';

const EXIT_FAILED = 1;
const EXIT_BAD_INPUT = 2;

// The first signal ends the file that is being written, so that all that was read is in the export; the second one leaves
// at once, and the next run reads it again.
const interrupted = interruptSignal();

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BadInput) && !(error instanceof TapFailed)) throw error;
  process.stderr.write(`fanlog tap: ${error.message.replaceAll('\n', ' ')}\n`);
  process.exitCode = error instanceof BadInput ? EXIT_BAD_INPUT : EXIT_FAILED;
}
// A connection that is being closed would hold the process up; what is printed must be out first.
process.stdout.write('', () => process.exit());

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const progress = new Progress(process.stderr, systemRuntime);
  const result = await runTap({
    options,
    env: process.env,
    runtime: systemRuntime,
    progress,
    interrupted,
  });
  process.stdout.write(`\n${summaryText(result)}`);
  // To be interrupted is how --follow ends; without it, not everything was written.
  return interrupted.aborted && !options.follow ? (interrupted.reason as number) : 0;
}
