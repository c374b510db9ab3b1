// The command line of `npm run cluster`. Whatever is wrong with it is one line.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../../services/kernel/command-line.ts';
import { ROLES, type Role } from '../../../services/profiles/roles.ts';
import { ClusterError } from './cluster-error.ts';
import { ROLES_DEFAULT } from './start-cluster.ts';

export const USAGE = `Usage: npm run cluster [-- --api 1 --edges 2 --fanouts 2 --inboxes 2 --port 8080 --foreground]
       npm run cluster -- --status | --add fanout | --remove fanout-3 | --stop

Starts Kafka, Cassandra, Redis and fanlog's processes on this machine, and leaves a supervisor that starts again what
ends by a fault. Servers that FANLOG_KAFKA, FANLOG_CASSANDRA and FANLOG_REDIS name are used instead of new ones.

  --api N, --edges N, --fanouts N, --inboxes N   how many processes of each role
  --port N       port of the first api; edges, then operations, take those that follow (PORT)
  --foreground   stay, and end with Ctrl-C
  --status       what runs where, and how often it was started again
  --add ROLE     one process more: ${ROLES.join(', ')}
  --remove NAME  drain one process and end it
  --stop         end everything

Data of Kafka and Cassandra stay below FANLOG_DATA (./data), in fanlog.cluster; delete that folder to begin anew.
`;

export type StartArguments = {
  readonly counts: Readonly<Record<Role, number>>;
  /** null: what PORT says. */
  readonly port: number | null;
  readonly isForeground: boolean;
};

export type ClusterArguments =
  | ({ readonly command: 'start' } & StartArguments)
  | ({ readonly command: 'supervise'; readonly folder: string } & StartArguments)
  | { readonly command: 'add'; readonly role: Role }
  | { readonly command: 'remove'; readonly name: string }
  | { readonly command: 'status' | 'stop' | 'help' };

/** More would be a mistake on one machine. */
const COUNT_MAX = 32;
const PORT_MAX = 65_535;

/** @throws ClusterError */
export function readArguments(args: readonly string[]): ClusterArguments {
  const { api, edges, fanouts, inboxes, port, foreground, status, stop, add, remove, supervise, help } = parse(args);
  if (help === true) return { command: 'help' };
  const actions = { '--status': status, '--stop': stop, '--add': add, '--remove': remove };
  const asked = Object.entries(actions).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (asked.length > 1) throw new ClusterError(`${asked.join(' and ')}: give one of them at a time.`);
  if (status === true) return { command: 'status' };
  if (stop === true) return { command: 'stop' };
  if (remove !== undefined) return { command: 'remove', name: remove };
  if (add !== undefined) {
    if ((ROLES as readonly string[]).includes(add)) return { command: 'add', role: add as Role };
    throw new ClusterError(`--add ${add}: give one of ${ROLES.join(', ')}.`);
  }
  const start = {
    counts: {
      api: numberOf('--api', api, 1, COUNT_MAX) ?? ROLES_DEFAULT.api,
      edge: numberOf('--edges', edges, 1, COUNT_MAX) ?? ROLES_DEFAULT.edge,
      fanout: numberOf('--fanouts', fanouts, 1, COUNT_MAX) ?? ROLES_DEFAULT.fanout,
      inbox: numberOf('--inboxes', inboxes, 1, COUNT_MAX) ?? ROLES_DEFAULT.inbox,
    },
    port: numberOf('--port', port, 1, PORT_MAX),
    isForeground: foreground === true,
  };
  return supervise === undefined
    ? { command: 'start', ...start }
    : { command: 'supervise', folder: supervise, ...start };
}

/** What makes a process the supervisor of `folder`. */
export function superviseArguments(folder: string, { counts, port, isForeground }: StartArguments): string[] {
  const { api, edge, fanout, inbox } = counts;
  const numbers = { api, edges: edge, fanouts: fanout, inboxes: inbox, ...(port === null ? {} : { port }) };
  return [
    ...['--supervise', folder],
    ...Object.entries(numbers).flatMap(([name, count]) => [`--${name}`, String(count)]),
    ...(isForeground ? ['--foreground'] : []),
  ];
}

function parse(args: readonly string[]) {
  const number = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ api: number, edges: number, fanouts: number, inboxes: number, port: number },
        ...{ foreground: flag, status: flag, stop: flag, help: { type: 'boolean', short: 'h' } },
        ...{ add: { type: 'string' }, remove: { type: 'string' }, supervise: { type: 'string' } },
      },
    }).values;
  } catch (error) {
    throw new ClusterError(`${argumentMistake(error)}. See npm run cluster -- --help.`);
  }
}

function numberOf(name: string, text: string | undefined, min: number, max: number): number | null {
  if (text === undefined) return null;
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new ClusterError(`${name} ${text}: give a whole number from ${min} to ${max}.`);
}
