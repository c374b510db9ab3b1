// `npm run cluster`: starts a supervisor and waits until it is ready, or asks the one that runs.
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalServerError } from '../local-server-error.ts';
import { isAlive } from '../process-identity.ts';
import { readArguments, USAGE } from './arguments.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterFolder, openClusterFolder, readRecord, removeRecord } from './cluster-folder.ts';
import { statusTable } from './cluster-status.ts';
import { ControlClient } from './control-client.ts';
import { startCommand } from './start-command.ts';
import { supervise } from './supervisor.ts';

const EXIT_FAILED = 1;
/** What is left of it after its answer. */
const LEAVE_MS_MAX = 10_000;
const POLL_MS = 50;

/** Resolves with the exit code, of the supervisor never. Mistakes and failures are told on standard error. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    return await run(args, env);
  } catch (error) {
    if (!(error instanceof ClusterError) && !(error instanceof LocalServerError)) throw error;
    process.stderr.write(`fanlog cluster: ${error.message}\n`);
    return EXIT_FAILED;
  }
}

async function run(given: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const args = readArguments(given);
  switch (args.command) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'supervise':
      await supervise(args.folder, args, env);
      return new Promise<never>(() => {});
    case 'start':
      return startCommand(openClusterFolder(env), args, env);
    case 'stop':
      return stop(openClusterFolder(env));
    default: {
      const control = controlOf(openClusterFolder(env));
      if (args.command === 'add') process.stdout.write(`${await control.add(args.role)} is ready.\n`);
      if (args.command === 'remove') {
        await control.remove(args.name);
        process.stdout.write(`${args.name} was drained and has ended.\n`);
      }
      process.stdout.write(`\n${statusTable(await control.status())}`);
      return 0;
    }
  }
}

function controlOf(folder: ClusterFolder): ControlClient {
  const found = readRecord(folder);
  if ('record' in found) return new ControlClient(found.record);
  throw new ClusterError(`No cluster runs on ${folder.path}. Start one: npm run cluster`);
}

async function stop(folder: ClusterFolder): Promise<number> {
  const found = readRecord(folder);
  if ('none' in found) {
    process.stdout.write(`No cluster runs on ${folder.path}.\n`);
    return 0;
  }
  if ('stale' in found) {
    await found.stale();
    removeRecord(folder);
    process.stdout.write('The supervisor was gone already, and what it had started with it.\n');
    return 0;
  }
  const { pid } = found.record;
  const ended: string[] = [];
  const tell = (name: string) => {
    ended.push(name);
    process.stdout.write(`${name} has ended.\n`);
  };
  const failure = await new ControlClient(found.record).stop(tell).catch((error: Error) => error);
  for (const deadline_ms = performance.now() + LEAVE_MS_MAX; isAlive(pid); await sleep(POLL_MS)) {
    if (failure === undefined && performance.now() < deadline_ms) continue;
    process.kill(pid, 'SIGKILL'); // what it had started notices, and ends
    process.stdout.write(`${failure?.message ?? `The supervisor (process ${pid}) did not end`}: it was killed.\n`);
    break;
  }
  removeRecord(folder);
  process.stdout.write(`The cluster has ended${ended.length === 0 ? '' : `: ${ended.length} processes`}.\n`);
  return 0;
}
