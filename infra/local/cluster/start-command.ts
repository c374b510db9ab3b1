// Starts a supervisor, shows how far it is, and what runs where when it is ready.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lock.ts';
import { tailOf } from '../log-tail.ts';
import { type StartArguments, superviseArguments } from './arguments.ts';
import { ClusterError } from './cluster-error.ts';
import { type ClusterFolder, readRecord, removeRecord } from './cluster-folder.ts';
import { type ClusterStatus, statusTable } from './cluster-status.ts';
import { ControlClient } from './control-client.ts';
import type { SupervisorMessage } from './supervisor.ts';

const EXIT_KILLED = 137;

/** Resolves with the exit code when the cluster is ready; in the foreground when it has ended. @throws ClusterError */
export async function startCommand(
  folder: ClusterFolder,
  args: StartArguments,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const started_ms = performance.now();
  const elapsed = () => `${((performance.now() - started_ms) / 1000).toFixed(1)} s`;
  const progress = (line: string) => process.stdout.write(`  ${elapsed().padStart(7)}  ${line}\n`);
  const lock = join(folder.path, 'start.lock');
  const supervisor = await withLock(lock, 'another npm run cluster', progress, async () => {
    const found = readRecord(folder);
    if ('record' in found) return showRunning(new ControlClient(found.record), folder);
    if ('stale' in found) {
      progress('the last supervisor was killed: waiting until what it had started is gone…');
      await found.stale();
    }
    removeRecord(folder);
    const child = spawnSupervisor(folder, args, env);
    await untilReady(child, folder, progress);
    return child;
  });
  if (supervisor === null) return 0;
  // Before anything is shown: whoever reads "Ctrl-C" may press it.
  const ended = args.isForeground ? untilEnded(supervisor) : null;
  const found = readRecord(folder);
  if (!('record' in found)) throw new ClusterError(`It ended as soon as it was ready. See ${folder.supervisorLog}`);
  const status = await new ControlClient(found.record).status();
  process.stdout.write(`\nfanlog's cluster is ready after ${elapsed()}.\n\n${statusTable(status)}`);
  process.stdout.write(await nextSteps(status, args, env));
  return ended ?? 0;
}

// Whoever ends us means the cluster. At a terminal the supervisor hears Ctrl-C too, and takes it for one.
function untilEnded(supervisor: ChildProcess): Promise<number> {
  supervisor.ref();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void supervisor.kill('SIGTERM'));
  return new Promise((resolve) => supervisor.once('exit', (code) => resolve(code ?? EXIT_KILLED)));
}

async function showRunning(control: ControlClient, { path }: ClusterFolder): Promise<null> {
  const status = await control.status();
  process.stdout.write(`A cluster runs on ${path} already; --add, --remove and --stop change it.\n\n`);
  process.stdout.write(statusTable(status));
  return null;
}

// This very program once more. In the background it has a session and a log of its own, and outlives us and the terminal.
function spawnSupervisor(folder: ClusterFolder, args: StartArguments, env: NodeJS.ProcessEnv): ChildProcess {
  const log = openSync(join(folder.path, 'supervisor.err'), 'w');
  const program = [...process.execArgv, process.argv[1]!, ...superviseArguments(folder.path, args)];
  const output = args.isForeground ? 'inherit' : log;
  const child = spawn(process.execPath, program, {
    stdio: ['ignore', output, args.isForeground ? 'inherit' : log, 'ipc'],
    env,
    detached: !args.isForeground,
  });
  closeSync(log);
  return child;
}

/** Ctrl-C in the meantime ends the supervisor too. @throws ClusterError */
function untilReady(child: ChildProcess, folder: ClusterFolder, progress: (line: string) => void): Promise<void> {
  const interrupt = () => void child.kill('SIGTERM');
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  return new Promise<void>((resolve, reject) => {
    child.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'progress') progress(message.line);
      if (message.kind === 'failed') reject(new ClusterError(message.message));
      if (message.kind === 'ready') resolve();
    });
    child.once('error', (error) => reject(new ClusterError(`The supervisor does not start: ${error.message}`)));
    child.once('exit', () => {
      const words = tailOf(join(folder.path, 'supervisor.err'));
      reject(new ClusterError(`The start was broken off.${words === '' ? '' : `\n${words}`}`));
    });
  }).finally(() => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt);
    child.unref();
  });
}

async function nextSteps(
  { apiUrl, roles }: ClusterStatus,
  { isForeground }: StartArguments,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const demo = env.FANLOG_DEMO?.trim() || (env.FANLOG_ENV?.trim() === 'production' ? 'off' : 'on');
  const victim = roles.find(({ role }) => role === 'fanout');
  const lines = [
    '',
    `  page      ${apiUrl}`,
    ...(demo === 'on' ? await signInLines() : []),
    `  a fault   kill -9 ${victim?.pid} ends ${victim?.name}: write on, nothing is lost, and it comes back`,
    '  look      npm run cluster -- --status',
    `  end       ${isForeground ? 'Ctrl-C' : 'npm run cluster -- --stop'}; the data stay for the next start`,
  ];
  return `${lines.join('\n')}\n`;
}

// Loaded here, because it brings half of the api along, and the supervisor is this very program.
async function signInLines(): Promise<string[]> {
  const { DEMO_USERS } = await import('../../../services/profiles/demo-content.ts');
  const people = DEMO_USERS.map(({ user, password }) => `${user} / ${password}`).join('   ');
  return [
    `  sign in   ${people}`,
    '  next      open the page in two windows, sign in as each of them, and write in Welcome',
  ];
}
