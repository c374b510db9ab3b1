// npm run simulate -- [--seeds N] [--from S] [--trace] [--mutants [name …] [--record]]
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../../services/kernel/command-line.ts';
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

const USAGE = `Usage: npm run simulate -- [--seeds N] [--from S] [--trace]
       npm run simulate -- --mutants [NAME …] [--record]

Runs the real stages, sessions and clients on seeded schedules with every fault, and checks every promise.

  --seeds ${SEEDS_DEFAULT}   how many seeds; from ${SEEDS_FOR_COVERAGE} on, a fault or branch that never fired is a failure too
  --from 1      the first seed
  --trace       print every step of every seed
  --mutants     break one rule at a time, and look for a seed that notices: all mutants, or those named
  --record      keep the seeds that noticed, in test/simulation/mutant-seeds.json
  --help        print this

Exit code: 0 if all is well, 1 if a promise was broken or a mutant was not caught, 2 for wrong arguments.
`;

const EXIT_BAD_INPUT = 2;

/** Resolves to the exit code. */
export async function simulate(args: readonly string[]): Promise<number> {
  let given: ReturnType<typeof parse>;
  try {
    given = parse(args);
  } catch (error) {
    return refuse(argumentMistake(error));
  }
  const { values, positionals } = given;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.mutants) {
    const unknown = positionals.find((name) => MUTANTS.every((mutant) => mutant.name !== name));
    if (unknown !== undefined) return refuse(`there is no mutant ${unknown}`);
    return runMutants(positionals, values.record);
  }
  if (positionals.length > 0) return refuse(`${positionals[0]} stands alone: names go with --mutants`);
  const [count, from] = [Number(values.seeds), Number(values.from)];
  if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(from) || from < 1) {
    return refuse('--seeds and --from are whole numbers from 1');
  }
  return runMany(count, from, values.trace);
}

function refuse(why: string): number {
  process.stderr.write(`simulate: ${why}. See npm run simulate -- --help.\n`);
  return EXIT_BAD_INPUT;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: 'string', default: String(SEEDS_DEFAULT) },
      from: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
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
  const silent = summary.silent();
  const silenceCounts = count >= SEEDS_FOR_COVERAGE;
  const excuse = silenceCounts ? '' : ` (zeros count from ${SEEDS_FOR_COVERAGE} seeds on)`;
  if (silent.length > 0) console.log(`never fired: ${silent.join(', ')}${excuse}`);
  const seconds = (performance.now() - startedAt_ms) / 1000;
  console.log(`${summary.seeds} seeds, ${summary.failed.length} failed, ${seconds.toFixed(1)} s`);
  return summary.failed.length > 0 || (silenceCounts && silent.length > 0) ? 1 : 0;
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
