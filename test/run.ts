// The whole test run: `npm test`, `npm test -- unit contract`, or `npm test -- test/unit/some.test.ts`.
// Its last line is `N passed, N failed`, alone; the exit code is 1 if anything failed. Nothing is left out silently:
// skipped, todo and cancelled tests, files without tests and stages without files all count as failures.
import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCheck } from './runner/run-check.ts';
import { runFiles } from './runner/run-files.ts';
import { formatDuration, type Tally } from './runner/tally.ts';
import { findTestFiles } from './runner/test-files.ts';
import { takeServerSettings, withServers } from './runner/with-servers.ts';

type Stage = { name: string; title: string; run: () => Promise<Tally> };

const root = fileURLToPath(new URL('..', import.meta.url));
// The children find tsx, and the sources their data, from here.
process.chdir(root);

const serverSettings = takeServerSettings();

// Two cores are the smallest machine this runs on.
const FILES_AT_ONCE = 2;
/** Of integration and browser tests, which wait for processes, servers and pages a third of their time. */
const WAITING_FILES_AT_ONCE = 3;
/**
 * They keep both cores busy by themselves (a cluster of processes, or brokers of their own), the longest first; and before
 * them the browser's, which is to wait beside the longest of integration.
 */
const HEAVY = [
  'page',
  'faults',
  'replay',
  'servers-away',
  'processes-come-and-go',
  'import',
  'evolution',
  'local-servers',
  'two-owners',
  'local-cluster',
  'broker-network',
].map((name) => `${name}.test.ts`);
const weightOf = (file: string) => (HEAVY.includes(basename(file)) ? HEAVY.length - HEAVY.indexOf(basename(file)) : 0);

/** They are one stage in a run of everything. */
const WAITING = ['integration', 'browser'];

const stages: Stage[] = [
  check('format', 'format and lint (biome ci)', ['node_modules/@biomejs/biome/bin/biome', 'ci', '.']),
  check('types', 'types (tsc)', ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.json']),
  folder('unit', 'unit tests'),
  folder('contract', 'contract tests'),
  folder('simulation', 'simulation'),
  folder('integration', 'integration tests', WAITING_FILES_AT_ONCE),
  onServers(folder('cluster', 'cluster tests, on Kafka, Cassandra and Redis')),
  folder('browser', 'browser tests', 1),
];

function check(name: string, title: string, args: string[]): Stage {
  return { name, title, run: () => runCheck(args) };
}

function folder(name: string, title: string, filesAtOnce = FILES_AT_ONCE): Stage {
  return folders([name], title, filesAtOnce);
}

function folders(names: readonly string[], title: string, filesAtOnce: number): Stage {
  return {
    name: names.join(', '),
    title,
    run: async () => {
      const found = names.map((name) => findTestFiles(join(root, 'test', name)));
      const empty = names.filter((_, i) => found[i]!.length === 0);
      for (const name of empty) console.log(`  FAILED no tests found in test/${name}`);
      const { passed, failed } = await runFiles(found.flat(), filesAtOnce, weightOf, names.includes('cluster'));
      return { passed, failed: failed + empty.length };
    },
  };
}

/** All stages, the waiting ones as one. */
function wholeRun(): Stage[] {
  const together = folders(WAITING, 'integration and browser tests', WAITING_FILES_AT_ONCE);
  return stages.flatMap((stage) =>
    stage.name === 'integration' ? together : WAITING.includes(stage.name) ? [] : stage,
  );
}

function onServers(stage: Stage): Stage {
  return { ...stage, run: () => withServers(serverSettings, stage.run) };
}

function selectStages(args: string[]): Stage[] {
  if (args.length === 0) return wholeRun();
  return args.map((arg) => {
    const stage = stages.find(({ name }) => name === arg);
    if (stage !== undefined) return stage;
    if (arg.endsWith('.test.ts') && existsSync(arg)) {
      const file = resolve(root, arg);
      const stage = { name: arg, title: arg, run: () => runFiles([file], 1) };
      return relative(root, file).startsWith('test/cluster/') ? onServers(stage) : stage;
    }
    const names = stages.map(({ name }) => name).join(', ');
    return unknownStage(arg, `neither a stage (${names}) nor a *.test.ts file`);
  });
}

function unknownStage(name: string, reason: string): Stage {
  const run = async () => {
    console.log(`  FAILED ${reason}`);
    return { passed: 0, failed: 1 };
  };
  return { name, title: name, run };
}

const total: Tally = { passed: 0, failed: 0 };
for (const stage of selectStages(process.argv.slice(2))) {
  console.log(`\n== ${stage.title}`);
  const startedAt_ms = performance.now();
  const { passed, failed } = await stage.run();
  total.passed += passed;
  total.failed += failed;
  console.log(`-- ${stage.name}: ${passed} ok, ${failed} not ok, ${formatDuration(performance.now() - startedAt_ms)}`);
}

// Exit even if a file that ran out of time left something open; but only once the last line is out.
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`, () => {
  process.exit(total.failed === 0 ? 0 : 1);
});
