// A role as a process: its command line, its environment, its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '../../../services/profiles/roles.ts';
import { HOST } from '../free-ports.ts';
import { tailOf } from '../log-tail.ts';
import type { Reaper } from './reaper.ts';
import type { Exit, Launched, Program } from './supervised-process.ts';

export type RoleProgram = {
  readonly name: string;
  readonly role: Role;
  /** For clients, of api and edge. */
  readonly port: number | null;
  readonly operationsPort: number;
  /** Its output is added to this file. */
  readonly log: string;
};

export type RoleSettings = {
  /** The built dist/main.js; asked for at every start. */
  readonly mainFile: () => string;
  readonly nodeArguments: readonly string[];
  /** Without the ports; asked for at every start. */
  readonly environment: () => NodeJS.ProcessEnv;
  readonly reaper: Reaper;
};

/** A role drains for 20 s at most, and then ends by itself. */
const END_MS_MAX = 22_000;
const READY_TIMEOUT_MS = 2_000;
const LOG_LINES_TOLD = 3;

export function programOfRole(role: RoleProgram, settings: RoleSettings): Program {
  const { name, operationsPort } = role;
  return {
    name,
    launch: () => launch(role, settings),
    isReady: () => isReady(operationsPort),
    end: async ({ pid, exited }) => {
      signal(pid, 'SIGTERM');
      signal(pid, 'SIGCONT'); // a stopped process acts on no signal but this one
      const limit = new AbortController();
      const killed = sleep(END_MS_MAX, undefined, { signal: limit.signal }).then(
        () => signal(pid, 'SIGKILL'),
        () => {},
      );
      await exited;
      limit.abort();
      await killed;
    },
  };
}

/** A session of its own: Ctrl-C at the terminal is for us, who end the roles in order. */
async function launch(role: RoleProgram, settings: RoleSettings): Promise<Launched> {
  const { mainFile, nodeArguments, reaper } = settings;
  const log = openSync(role.log, 'a');
  const child = spawn(process.execPath, [...nodeArguments, mainFile(), '--role', role.role, '--exit-with-parent'], {
    stdio: ['pipe', log, log],
    env: { ...settings.environment(), ...portsOf(role) },
    detached: true,
  });
  closeSync(log);
  child.stdin!.on('error', () => {}); // it went first: `exit` says so
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      reaper.remove(child.pid!);
      resolve({ how: signal ?? withLastWords(`exit ${code}`, role.log), byItself: signal === null });
    });
  });
  await once(child, 'spawn'); // rejects with what stood in the way
  reaper.add(child.pid!);
  child.unref();
  (child.stdin as Socket).unref();
  return { pid: child.pid!, exited };
}

// A port that a role does not use must not equal one that it uses: 0 never does.
function portsOf({ role, port, operationsPort }: RoleProgram): NodeJS.ProcessEnv {
  return {
    PORT: String(role === 'api' ? port : 0),
    FANLOG_EDGE_PORT: String(role === 'edge' ? port : 0),
    FANLOG_OPERATIONS_PORT: String(operationsPort),
  };
}

function withLastWords(how: string, log: string): string {
  const words = tailOf(log, LOG_LINES_TOLD);
  return words === '' ? how : `${how}, after\n${words}`;
}

/** Whether the process at this operations port says so. Never rejects. */
export function isReady(operationsPort: number): Promise<boolean> {
  return new Promise((resolve) => {
    const url = { host: HOST, port: operationsPort, path: '/readyz', agent: false, timeout: READY_TIMEOUT_MS };
    const request = get(url, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone in the meantime
  }
}
