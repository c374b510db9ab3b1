// npm run simulate -- [--seeds N] [--from S] [--trace] [--mutants [name …] [--record]]
import { parseArgs } from 'node:util';
import { MUTANTS } from '../mutants.ts';
import { bundleSimulation } from './bundle.ts';
import { runSeeds } from './pool.ts';
import { type Catch, catchMutant, recordedSeeds, recordSeeds } from './run-mutants.ts';
import { describeFailure, Summary } from './summary.ts';

const SEEDS_DEFAULT = 300;
const MUTANT_TRIES_MAX = 1_000;
const PROGRESS_INTERVAL_MS = 5_000;
const SENTENCE_MAX = 160;
/** Below, a fault or branch may be silent by chance. */
export const SEEDS_FOR_COVERAGE = 300;

/** Resolves to the exit code. */
export async function simulate(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: String(SEEDS_DEFAULT) },
      from: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  if (values.mutants) return runMutants(positionals, values.record);
  const [count, from] = [Number(values.seeds), Number(values.from)];
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(from) || from < 1) {
    console.error('--seeds and --from are whole numbers from 1');
    return 2;
  }
  return runMany(count, from, values.trace);
}

async function runMany(count: number, from: number, trace: boolean): Promise<number> {
  const startedAt_ms = performance.now();
  const summary = new Summary();
  const progress = setInterval(() => console.log(progressOf(summary, count, startedAt_ms)), PROGRESS_INTERVAL_MS);
  const jobs = Array.from({ length: count }, (_, i) => ({ seed: from + i, trace }));
  await runSeeds(await bundleSimulation(), jobs, (result) => {
    summary.add(result);
    if (result.trace !== null) console.log(result.trace.join('\n'));
    if (result.violationCount > 0) console.log(describeFailure(result));
    return 'go on';
  });
  clearInterval(progress);
  console.log(summary.table());
  const silent = count >= SEEDS_FOR_COVERAGE ? summary.silent() : [];
  if (silent.length > 0) console.log(`never fired: ${silent.join(', ')}`);
  const seconds = (performance.now() - startedAt_ms) / 1000;
  console.log(`${summary.seeds} seeds, ${summary.failed.length} failed, ${seconds.toFixed(1)} s`);
  return summary.failed.length > 0 || silent.length > 0 ? 1 : 0;
}

function progressOf(summary: Summary, count: number, startedAt_ms: number): string {
  const elapsed_s = (performance.now() - startedAt_ms) / 1000;
  const left_s = summary.seeds === 0 ? Number.NaN : (elapsed_s / summary.seeds) * (count - summary.seeds);
  return `… ${summary.seeds} of ${count} seeds, ${summary.failed.length} failed, about ${left_s.toFixed(0)} s to go`;
}

async function runMutants(names: readonly string[], record: boolean): Promise<number> {
  const mutants = names.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => names.includes(name));
  const recorded = recordedSeeds();
  const catches: Catch[] = [];
  for (const mutant of mutants) {
    let end = 'NOT CAUGHT';
    let tried = '';
    try {
      const caught = await catchMutant(mutant, recorded[mutant.name] ?? [], MUTANT_TRIES_MAX);
      tried = `${caught.tries} tries`;
      catches.push(caught);
      if (caught.result !== null) end = `seed ${caught.result.seed}: ${caught.result.violations[0]}`;
    } catch (error) {
      end = `DOES NOT FIT: ${error instanceof Error ? error.message : error}`;
    }
    console.log(`${mutant.name.padEnd(30)} ${tried.padStart(10)}  ${end.slice(0, SENTENCE_MAX)}`);
  }
  if (record) recordSeeds(catches);
  const missed = mutants.length - catches.filter(({ result }) => result !== null).length;
  console.log(`${mutants.length} mutants, ${missed} not caught`);
  return missed > 0 ? 1 : 0;
}
