// `npm run import -- FILE`: real history through the front door, then everybody's inbox held against the file.
import { fileURLToPath } from 'node:url';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { readArguments, USAGE } from './import/arguments.ts';
import { BadInput, ImportFailed } from './import/bad-input.ts';
import { isOk } from './import/ledger.ts';
import { ledgerJson, ledgerTable } from './import/print-ledger.ts';
import { runImport } from './import/run-import.ts';
import { interruptSignal } from './shared/interrupt.ts';
import { Progress } from './shared/progress.ts';

const EXIT_UNCLEAN = 1;
const EXIT_BAD_INPUT = 2;
const serverFile = fileURLToPath(new URL('../main.js', import.meta.url));

// The first signal ends what the import runs, and takes away what it made on servers of others; the second one leaves at
// once: what runs ends with this process anyway.
const interrupted = interruptSignal();

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BadInput) && !(error instanceof ImportFailed)) throw error;
  process.stderr.write(`fanlog import: ${error.message.replaceAll('\n', ' ')}\n`);
  process.exitCode = error instanceof BadInput ? EXIT_BAD_INPUT : EXIT_UNCLEAN;
  if (interrupted.aborted) process.exitCode = interrupted.reason as number;
}
// A request that is still repeated would hold the process up; what is printed must be out first.
process.stdout.write('', () => process.exit());

async function main(): Promise<number> {
  const options = readArguments(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  const progress = new Progress(process.stderr, systemRuntime);
  const run = { options, env: process.env, serverFile, runtime: systemRuntime, progress, interrupted };
  const { ledger, cost } = await runImport(run);
  process.stdout.write(options.json ? ledgerJson(ledger, cost) : `\n${ledgerTable(ledger, cost)}`);
  return isOk(ledger, cost) ? 0 : EXIT_UNCLEAN;
}
