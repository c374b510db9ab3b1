// `npm run bench -- throughput|latency|group`: starts a server, loads it from a process of its own, prints what it cost.
// Progress goes to standard error, the report to standard output. Ends with 1 when a promise was broken,
// with 2 for wrong arguments.
import { BadArguments, readArguments, USAGE } from './arguments.ts';
import { readConditions } from './conditions.ts';
import { LOADER_ARGUMENT, runInLoader, serveAsLoader } from './loader/loader-process.ts';
import { brokenPromises, type RunReport, renderReport } from './report.ts';
import type { ScenarioResult } from './scenarios/scenario.ts';
import { type ServerUnderLoad, startServer } from './server.ts';

const EXIT_BAD_INPUT = 2;

async function main(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv);
  if (given === null) {
    process.stdout.write(USAGE);
    return;
  }
  const { names, profile, options, serverArguments } = given;
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const results: ScenarioResult[] = [];
  let running: ServerUnderLoad | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void running?.stop().finally(() => process.exit(130)));
  }
  let about: RunReport['server'] | null = null;
  for (const scenario of names) {
    // A fresh server and an empty folder each: none finds the leavings of another.
    const server = await startServer(profile, serverArguments);
    running = server;
    const { target, durability, filesystem } = server;
    about = { profile, durability, filesystem };
    try {
      results.push(...(await runInLoader({ scenario, target, options }, progress)));
    } finally {
      await server.stop();
      running = null;
    }
  }
  const report: RunReport = { conditions: readConditions(), server: about!, options, results };
  process.stdout.write(given.json ? `${JSON.stringify(report, null, 2)}\n` : `\n${renderReport(report)}\n`);
  for (const broken of brokenPromises(results)) {
    progress(`broken: ${broken}`);
    process.exitCode = 1;
  }
}

if (process.argv[2] === LOADER_ARGUMENT) {
  serveAsLoader();
} else {
  await main(process.argv.slice(2)).catch((error: Error) => {
    const isMistyped = error instanceof BadArguments;
    process.stderr.write(`bench: ${error.message}${isMistyped ? '. See npm run bench -- --help.' : ''}\n`);
    process.exitCode = isMistyped ? EXIT_BAD_INPUT : 1;
  });
}
