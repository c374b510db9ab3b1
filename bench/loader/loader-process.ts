// The loader's own process: it gets one job from its parent, runs it, and ends.
//
//   parent ── job ──▶ loader ── progress … ── results | failure ──▶ parent
import { fork } from 'node:child_process';
import { type ScenarioName, scenarios } from '../scenarios/index.ts';
import type { ScenarioOptions, ScenarioResult, Target } from '../scenarios/scenario.ts';

/** The first argument of the bench's entry in a loader. */
export const LOADER_ARGUMENT = 'loader-process';
/** Connecting, two warm-ups and the waiting at their ends; with some thousands of idle connections the first takes most. */
const OVERHEAD_MS_MAX = 300_000;
/** A scenario measures at most this many times. */
const RUNS_MAX = 2;

export interface Job {
  readonly scenario: ScenarioName;
  readonly target: Target;
  readonly options: ScenarioOptions;
}

type Report =
  | { readonly type: 'progress'; readonly line: string }
  | { readonly type: 'results'; readonly results: readonly ScenarioResult[] }
  | { readonly type: 'failure'; readonly message: string };

/** Starts the loader with this process's own entry point, and waits for its results. */
export function runInLoader(job: Job, progress: (line: string) => void): Promise<readonly ScenarioResult[]> {
  const loader = fork(process.argv[1]!, [LOADER_ARGUMENT]);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => fail(new Error(`${job.scenario} did not end in time`)),
      RUNS_MAX * job.options.seconds * 1_000 + OVERHEAD_MS_MAX,
    );
    const fail = (error: Error) => {
      clearTimeout(timer);
      loader.kill('SIGKILL');
      reject(error);
    };
    loader.on('message', (report: Report) => {
      if (report.type === 'progress') {
        progress(report.line);
      } else if (report.type === 'failure') {
        fail(new Error(report.message));
      } else {
        clearTimeout(timer);
        loader.kill();
        resolve(report.results);
      }
    });
    loader.on('error', fail);
    loader.on('exit', (code) => fail(new Error(`the loader ended with ${code}`)));
    loader.send(job);
  });
}

/** The loader's side. */
export function serveAsLoader(): void {
  const tell = (report: Report) => process.send!(report);
  process.once('disconnect', () => process.exit(1)); // nobody waits for the results any more
  process.once('message', ({ scenario, target, options }: Job) => {
    scenarios[scenario]({ target, options, progress: (line) => tell({ type: 'progress', line }) }).then(
      (results) => tell({ type: 'results', results }),
      (error: Error) => tell({ type: 'failure', message: `${scenario}: ${error.message}` }),
    );
  });
}
