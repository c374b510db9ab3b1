// `npm run bench -- throughput|latency|group|idle`: starts a server, loads it from a process of its own, prints what it cost.
// Progress goes to standard error, the report to standard output. Ends with 1 when a promise was broken,
// with 2 for wrong arguments.
import { BadArguments, type BenchArguments, readArguments, USAGE } from './arguments.ts';
import { readConditions } from './conditions.ts';
import { LOADER_ARGUMENT, runInLoader, serveAsLoader } from './loader/loader-process.ts';
import { brokenPromises, type RunReport, renderReport } from './report.ts';
import type { ScenarioName } from './scenarios/index.ts';
import type { ScenarioResult } from './scenarios/scenario.ts';
import { type ServerUnderLoad, startServer } from './server.ts';

const EXIT_BAD_INPUT = 2;

async function main(argv: readonly string[]): Promise<void> {
  const given = readArguments(argv);
  if (given === null) {
    process.stdout.write(USAGE);
    return;
  }
  const { profile, options, runIn_s } = given;
  const results: ScenarioResult[] = [];
  const broken: string[] = [];
  let about: RunReport['server'] | null = null;
  for (const scenario of given.names) {
    // A fresh server and empty folders each: none finds the leavings of another.
    const { server, ...run } = await runScenario(scenario, given);
    const { durability, filesystem, processes } = server;
    about = { profile, processes, durability, filesystem };
    results.push(...run.results);
    broken.push(...brokenPromises([...run.runIn, ...run.results]));
  }
  const report: RunReport = { conditions: readConditions(), server: about!, options, runIn_s, results };
  process.stdout.write(given.json ? `${JSON.stringify(report, null, 2)}\n` : `\n${renderReport(report)}\n`);
  for (const what of broken) {
    progress(`broken: ${what}`);
    process.exitCode = 1;
  }
}

async function runScenario(scenario: ScenarioName, given: BenchArguments) {
  const { profile, roles, options, runIn_s, serverArguments } = given;
  const inspected = scenario === 'idle';
  let server: ServerUnderLoad | null = null;
  const onSignal = () => void (server?.stop() ?? Promise.resolve()).finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    server = await startServer({ profile, roles, nodeArguments: serverArguments, inspected, progress });
    const { target } = server;
    // What it leaves free in memory would be given to idle connections, and they would seem to need none.
    const isRunIn = runIn_s > 0 && scenario !== 'idle';
    const runInJob = { scenario: 'throughput', target, options: { ...options, seconds: runIn_s } } as const;
    const runIn = isRunIn ? await runInLoader(runInJob, (line) => progress(`run-in: ${line}`)) : [];
    return { server, runIn, results: await runInLoader({ scenario, target, options }, progress) };
  } finally {
    await server?.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
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
