// Looks for a seed that catches each mutant: recorded ones first, then others.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS, type Mutant } from '../mutants.ts';
import type { SeedOptions, SeedResult } from '../run-seed.ts';
import { bundleSimulation, projectRoot } from './bundle.ts';
import { runSeeds } from './pool.ts';

export interface Catch {
  readonly mutant: Mutant;
  /** null: no seed caught it. */
  readonly result: SeedResult | null;
  readonly tries: number;
}

const SEEDS_FILE = 'test/simulation/mutant-seeds.json';
/** Every third seed is tried without the mutant's bias: a bias may hide what it should show. */
const UNBIASED_EVERY = 3;
/** Without a mutant: the same for all. */
let clean: Promise<string> | null = null;

/** Seeds that caught each mutant before. */
export function recordedSeeds(): Record<string, number[]> {
  const path = join(projectRoot(), SEEDS_FILE);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, number[]>) : {};
}

export function recordSeeds(catches: readonly Catch[]): void {
  const recorded = recordedSeeds();
  const lines = MUTANTS.map(({ name }) => {
    const found = catches.find(({ mutant }) => mutant.name === name)?.result?.seed;
    const seeds = found === undefined ? (recorded[name] ?? []) : [found];
    return `  ${JSON.stringify(name)}: [${seeds.join(', ')}]`;
  });
  writeFileSync(join(projectRoot(), SEEDS_FILE), `{\n${lines.join(',\n')}\n}\n`);
}

/** `first`: seeds to begin with; then from 1 on, `tries_max` in all. */
export async function catchMutant(mutant: Mutant, first: readonly number[], tries_max: number): Promise<Catch> {
  const bundle = await bundleSimulation(mutant.patches);
  let caught = null as SeedResult | null;
  let tries = 0;
  const take = (result: SeedResult) => {
    tries++;
    if (result.violationCount === 0) return 'go on';
    caught ??= result;
    return 'stop';
  };
  // One worker for what one seed will do: a second one would try others in vain.
  if (first.length > 0)
    await runSeeds(
      bundle,
      first.map((seed) => jobOf(mutant, seed)),
      take,
      1,
    );
  if (caught === null) await runSeeds(bundle, otherJobs(mutant, tries_max - first.length), take);
  if (caught !== null) await checkClean(jobOf(mutant, caught.seed));
  return { mutant, result: caught, tries };
}

/** A seed that fails without the mutant too proves nothing about it. */
async function checkClean(job: SeedOptions): Promise<void> {
  clean ??= bundleSimulation();
  const check = ({ seed, violations }: SeedResult) => {
    if (violations.length > 0) throw new Error(`seed ${seed} fails without the mutant: ${violations[0]}`);
    return 'stop' as const;
  };
  await runSeeds(await clean, [job], check, 1);
}

function* otherJobs(mutant: Mutant, count: number): Iterable<SeedOptions> {
  for (let seed = 1; seed <= count; seed++) yield jobOf(mutant, seed);
}

/** A seed says by itself whether it is biased, so that its number is all there is to record. */
function jobOf({ bias }: Mutant, seed: number): SeedOptions {
  return bias === undefined || seed % UNBIASED_EVERY === 0 ? { seed } : { seed, bias };
}
