// What `npm run bench -- …` takes.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../services/kernel/command-line.ts';
import type { Role } from '../services/profiles/roles.ts';
import { SENDERS_MAX } from './loader/message-ids.ts';
import { isScenarioName, type ScenarioName, scenarios } from './scenarios/index.ts';
import type { ScenarioOptions } from './scenarios/scenario.ts';
import { PROFILES, type Profile } from './server.ts';

const NAMES = Object.keys(scenarios) as ScenarioName[];

/**
 * Of a cluster: a Java server compiles its own code for a minute of load, at up to twice the CPU; and one process of each
 * role, because on two cores a second one only halves the cycles of the first (bench/README.md).
 */
const DEFAULTS = {
  seconds: 10,
  pairs: 100,
  window: 16,
  members: 500,
  connections: 10_000,
  'payload-bytes': 200,
  rate: 200,
  'run-in': 60,
  api: 1,
  edges: 1,
  fanouts: 1,
  inboxes: 1,
} as const;
type NumberName = keyof typeof DEFAULTS;
const NUMBERS = Object.keys(DEFAULTS) as NumberName[];

/** Bounds in time and count: a run ends by itself, and fits the file descriptors of a process. */
const MOST: Readonly<Record<NumberName, number>> = {
  seconds: 600,
  pairs: Math.min(4_000, SENDERS_MAX),
  window: 1_000,
  members: 500,
  connections: 18_000,
  'payload-bytes': 16_000,
  rate: 20_000,
  'run-in': 600,
  api: 8,
  edges: 8,
  fanouts: 8,
  inboxes: 8,
};
/** 1 of the others. */
const LEAST: Partial<Readonly<Record<NumberName, number>>> = { 'run-in': 0 };

const OF_A_CLUSTER = ['run-in', 'api', 'edges', 'fanouts', 'inboxes'] as const satisfies NumberName[];

export const USAGE = `Usage: npm run bench -- [${NAMES.join('|')} …] [options]

  --seconds 10          of measuring, a scenario (a group twice: one at a time, and ${DEFAULTS.window} in flight)
  --pairs 100           of users, 1:1
  --window 16           messages of a sender under way at once
  --members 500         of the group
  --connections 10000   that are idle
  --payload-bytes 200   of each text
  --rate 200            messages a second of the latency scenario
  --profile embedded    or cluster: Kafka, Cassandra and Redis on this machine, and of our processes
    --api 1 --edges 1 --fanouts 1 --inboxes 1
    --run-in 60         seconds of 1:1 load before what is measured; idle connections have none
  --json                the results as JSON on standard output
  --server-args="…"     arguments of Node for every process of the server, for profiling it
`;

export interface BenchArguments {
  readonly names: readonly ScenarioName[];
  readonly profile: Profile;
  readonly roles: Readonly<Record<Role, number>>;
  /** Seconds of load before a scenario whose figures are thrown away. */
  readonly runIn_s: number;
  readonly json: boolean;
  readonly serverArguments: readonly string[];
  readonly options: ScenarioOptions;
}

/** The command line is wrong; the message says how, to whoever typed it. */
export class BadArguments extends Error {
  override readonly name = 'BadArguments';
}

/** null: help is asked for. @throws BadArguments */
export function readArguments(argv: readonly string[]): BenchArguments | null {
  const { values, positionals } = parse(argv);
  if (values.help) return null;
  const unknown = positionals.find((name) => !isScenarioName(name));
  if (unknown !== undefined) throw new BadArguments(`there is no scenario ${unknown}: ${NAMES.join(', ')}`);
  const profile = PROFILES.find((name) => name === values.profile);
  if (profile === undefined) throw new BadArguments(`there is no profile ${values.profile}: ${PROFILES.join(', ')}`);
  const misplaced = profile === 'cluster' ? undefined : OF_A_CLUSTER.find((name) => values[name] !== undefined);
  if (misplaced !== undefined) throw new BadArguments(`--${misplaced} is for --profile cluster`);
  const number = (name: NumberName) => readNumber(name, values[name]);
  return {
    names: positionals.length > 0 ? (positionals as ScenarioName[]) : NAMES,
    profile,
    roles: { api: number('api'), edge: number('edges'), fanout: number('fanouts'), inbox: number('inboxes') },
    runIn_s: profile === 'cluster' ? number('run-in') : 0,
    json: values.json,
    serverArguments: values['server-args'].split(' ').filter((part) => part !== ''),
    options: {
      seconds: number('seconds'),
      pairs: number('pairs'),
      window: number('window'),
      members: number('members'),
      connections: number('connections'),
      payload_bytes: number('payload-bytes'),
      messagesPerSecond: number('rate'),
    },
  };
}

type NumberOptions = Record<NumberName, { type: 'string' }>;

function parse(argv: readonly string[]) {
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, { type: 'string' }])) as NumberOptions;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        ...numbers,
        profile: { type: 'string', default: 'embedded' },
        'server-args': { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new BadArguments(argumentMistake(error));
  }
}

function readNumber(name: NumberName, text: string | undefined): number {
  if (text === undefined) return DEFAULTS[name];
  const value = Number(text);
  const least = LEAST[name] ?? 1;
  if (Number.isSafeInteger(value) && value >= least && value <= MOST[name]) return value;
  throw new BadArguments(`--${name} is a whole number from ${least} to ${MOST[name]}`);
}
