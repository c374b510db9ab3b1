// Runs seeds on worker threads, two of them: the smallest machine has two cores.
import { Worker } from 'node:worker_threads';
import type { SeedOptions, SeedResult } from '../run-seed.ts';

const WORKERS = 2;
/** A seed takes a tenth of a second; one that takes this long goes round in circles. */
const SEED_TIMEOUT_MS = 60_000;

/** Runs what `jobs` yields until it ends or `onResult` says `stop`. */
export async function runSeeds(
  bundle: string,
  jobs: Iterable<SeedOptions>,
  onResult: (result: SeedResult) => 'go on' | 'stop',
  workers = WORKERS,
): Promise<void> {
  const iterator = jobs[Symbol.iterator]();
  let stopped = false;
  const work = async () => {
    let worker: Worker | null = null;
    try {
      while (!stopped) {
        const next = iterator.next();
        if (next.done === true) return;
        worker ??= new Worker(bundle, { execArgv: ['--enable-source-maps'] });
        const result = await runOn(worker, next.value);
        if (result.timedOut) {
          await worker.terminate();
          worker = null;
        }
        if (stopped) return;
        if (onResult(result.result) === 'stop') stopped = true;
      }
    } finally {
      await worker?.terminate();
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function runOn(worker: Worker, options: SeedOptions): Promise<{ result: SeedResult; timedOut: boolean }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => end({ result: circles(options), timedOut: true }), SEED_TIMEOUT_MS);
    const onMessage = (result: SeedResult) => end({ result, timedOut: false });
    const onError = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    const end = (ended: { result: SeedResult; timedOut: boolean }) => {
      clearTimeout(timer);
      worker.off('message', onMessage);
      worker.off('error', onError);
      resolve(ended);
    };
    worker.once('message', onMessage);
    worker.once('error', onError);
    worker.postMessage(options);
  });
}

function circles({ seed }: SeedOptions): SeedResult {
  return {
    seed,
    violations: [`it did not end within ${SEED_TIMEOUT_MS / 1000} s`],
    violationCount: 1,
    hash: '',
    steps: 0,
    virtual_ms: 0,
    faults: {},
    branches: {},
    sends: 0,
    changes: 0,
    trace: null,
  };
}
