// What the supervisor tells whoever asks, and how it looks on a screen.
import { relative } from 'node:path';
import { withoutPassword } from '../../../services/kernel/without-password.ts';
import type { RoleStatus, ServerStatus } from './cluster.ts';

export type ClusterStatus = {
  readonly state: 'ready' | 'stopping';
  readonly supervisor: number;
  readonly apiUrl: string;
  readonly edgeUrls: readonly string[];
  readonly roles: readonly (RoleStatus & { /** Says so at this moment. */ readonly isReady: boolean })[];
  readonly servers: readonly ServerStatus[];
  readonly keyspace: string;
  readonly prefix: string;
  readonly logFolder: string;
};

/** A line for every process, and where their logs are. */
export function statusTable(status: ClusterStatus): string {
  const rows = [
    ['name', 'process', 'address', 'operations', 'log', 'state'],
    ...status.roles.map((role) => [
      role.name,
      pidText(role.pid),
      addressOf(role),
      `http://127.0.0.1:${role.operationsPort}`,
      fileIn(role.log, status.logFolder),
      stateOf(role),
    ]),
    ...status.servers.map(({ name, address, pid, log, state, restarts }) => [
      name,
      pidText(pid),
      withoutPassword(address),
      '',
      log === null ? '' : fileIn(log, status.logFolder),
      state === null ? 'your own' : withRestarts(state, restarts),
    ]),
    ['supervisor', String(status.supervisor), '', '', 'supervisor.log', status.state],
  ];
  const table = columns(rows).map((line) => `  ${line}`);
  return `${table.join('\n')}\n\n  logs in ${status.logFolder}\n`;
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

function pidText(pid: number | null): string {
  return pid === null ? '-' : String(pid);
}

function addressOf({ role, port }: RoleStatus): string {
  if (role === 'api') return `http://localhost:${port}`;
  return role === 'edge' ? `ws://localhost:${port}/v1` : '';
}

function fileIn(log: string, folder: string): string {
  const path = relative(folder, log);
  return path.startsWith('..') ? log : path;
}

function stateOf({ state, restarts, isReady }: ClusterStatus['roles'][number]): string {
  return withRestarts(state === 'ready' && !isReady ? 'not ready' : state, restarts);
}

function withRestarts(state: string, restarts: number): string {
  if (restarts === 0) return state;
  return `${state}, restarted ${restarts === 1 ? 'once' : `${restarts} times`}`;
}
