// A worker thread that runs one seed after another.
import { parentPort } from 'node:worker_threads';
import { runSeed, type SeedOptions } from '../run-seed.ts';

parentPort?.on('message', (options: SeedOptions) => {
  void runSeed(options).then((result) => parentPort?.postMessage(result));
});
