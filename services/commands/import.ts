// `npm run import -- FILE`: real history through the front door, then everybody's inbox held against the file.
import { fileURLToPath } from 'node:url';
import { systemRuntime } from '../kernel/system-runtime.ts';
import { readArguments, USAGE } from './import/arguments.ts';
import { BadInput, ImportFailed } from './import/bad-input.ts';
import { isClean } from './import/ledger.ts';
import { ledgerJson, ledgerTable } from './import/print-ledger.ts';
import { Progress } from './import/progress.ts';
import { runImport } from './import/run-import.ts';

const EXIT_UNCLEAN = 1;
const EXIT_BAD_INPUT = 2;
const serverFile = fileURLToPath(new URL('../main.js', import.meta.url));

// Leaving is enough: the import's own server ends with this process, and keeps what it has.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof BadInput) && !(error instanceof ImportFailed)) throw error;
  process.stderr.write(`fanlog import: ${error.message.replaceAll('\n', ' ')}\n`);
  process.exitCode = error instanceof BadInput ? EXIT_BAD_INPUT : EXIT_UNCLEAN;
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
  const run = { options, env: process.env, serverFile, runtime: systemRuntime, progress };
  const { ledger, cost } = await runImport(run);
  process.stdout.write(options.json ? ledgerJson(ledger, cost) : `\n${ledgerTable(ledger, cost)}`);
  return isClean(ledger) ? 0 : EXIT_UNCLEAN;
}
