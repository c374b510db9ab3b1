// npm run faults -- [--scenario NAME …] [--minutes M] [--seed S]: progress goes to standard error, the table to standard
// output, table, data and picture to a folder.
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readConditions } from '../../bench/conditions.ts';
import { projectFolder } from '../../infra/local/project-folder.ts';
import { BadArguments, type FaultArguments, readArguments, USAGE } from './arguments.ts';
import { type FaultReport, isClean, isComplete } from './report/fault-report.ts';
import { tableOf, verdictOf } from './report/markdown.ts';
import { writeReport } from './report/write-report.ts';
import { runFaults } from './run-faults.ts';
import type { ScenarioResult } from './scenario-result.ts';

const EXIT_BAD_INPUT = 2;
const EXIT_BROKEN_OFF = 130;

/** Resolves to the exit code. */
export async function faults(args: readonly string[]): Promise<number> {
  try {
    const given = readArguments(args);
    if (given !== null) return await run(given);
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    const isMistyped = error instanceof BadArguments;
    const what = error instanceof Error ? error.message : String(error);
    process.stderr.write(`faults: ${what}${isMistyped ? '. See npm run faults -- --help.' : ''}\n`);
    return isMistyped ? EXIT_BAD_INPUT : 1;
  }
}

async function run({ scenarios, out, build, ...options }: FaultArguments): Promise<number> {
  const folder = out === null ? mkdtempSync(join(tmpdir(), 'fanlog-faults-report-')) : resolve(out);
  mkdirSync(folder, { recursive: true });
  const about = {
    ...options,
    asked: scenarios.length,
    date: new Date().toISOString(),
    version: versionOfFanlog(),
    conditions: readConditions(),
  };
  const results: ScenarioResult[] = [];
  const report = (): FaultReport => ({ ...about, results });
  const breaking = breakOffOnSignals();
  const startedAt = performance.now();
  const progress = (line: string) => {
    process.stderr.write(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}\n`);
  };
  await runFaults({
    scenarios,
    signal: breaking.signal,
    options: { ...options, progress, ...(build === null ? {} : { mainFile: resolve(build) }) },
    // After each: a run that is broken off has what it did.
    onResult: (result) => {
      results.push(result);
      writeReport(folder, report());
    },
  });
  breaking.stop();
  if (results.length > 0)
    process.stdout.write(`\n${tableOf(report())}\n\n${verdictOf(report())}\n\nThe report is in ${folder}\n`);
  if (breaking.signal.aborted) return EXIT_BROKEN_OFF;
  return isClean(report()) && isComplete(report()) ? 0 : 1;
}

/** The first signal ends the run after the scenario that is under way, the second one at once. */
function breakOffOnSignals(): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const onSignal = () => {
    // Servers and roles have their watchdogs: they end with us.
    if (controller.signal.aborted) process.exit(EXIT_BROKEN_OFF);
    process.stderr.write('faults: ends after this scenario; once more to end at once\n');
    controller.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
    },
  };
}

function versionOfFanlog(): string {
  const manifest = JSON.parse(readFileSync(join(projectFolder(), 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}
