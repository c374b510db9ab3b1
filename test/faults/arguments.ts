// What `npm run faults -- …` takes.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../services/kernel/command-line.ts';
import { CLIENTS_MAX, CLIENTS_MIN } from './load/cast-of.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS, scenarioNamed } from './scenarios/index.ts';

export interface FaultArguments {
  readonly scenarios: readonly Scenario[];
  readonly minutes: number;
  readonly seed: number;
  readonly rate: number;
  readonly clients: number;
  /** null: a temporary folder. */
  readonly out: string | null;
  /** null: the project's. */
  readonly build: string | null;
}

/** The command line is wrong; the message says how, to whoever typed it. */
export class BadArguments extends Error {
  override readonly name = 'BadArguments';
}

const DEFAULTS = { minutes: 1, seed: 1, rate: 600, clients: 250 };
/** Bounds in time and count: a run ends by itself, and a scenario before its clients' tokens (an hour). */
const MINUTES_MAX = 45;
const RATE_MAX = 5_000;

export const USAGE = `Usage: npm run faults -- [--scenario NAME …] [--minutes M] [--seed S] [options]

Runs the cluster profile on three Kafka brokers, Cassandra and Redis, all on this machine, under a load of real clients,
injects faults by a seeded schedule, heals them, lets everybody pull from zero, and checks every promise. Needs Java 17
and Maven. Prints a table; the folder it names has table, data and picture.

  --scenario NAME   one of them, or several, each with a --scenario; all by default:
                    ${wrapped(SCENARIOS.map(({ name }) => name))}
  --minutes ${DEFAULTS.minutes}       of faults, a scenario; about one more goes into its start and its ledger
  --seed ${DEFAULTS.seed}          same seed, same faults
  --rate ${DEFAULTS.rate}        messages a second, over all clients
  --clients ${DEFAULTS.clients}     devices of users, ${CLIENTS_MIN} to ${CLIENTS_MAX}
  --out FOLDER      where the report goes; a new temporary folder by default
  --build FILE      another built dist/main.js than the project's
  --help            print this

A goal that was missed (delivery back within 15 s, sends within 10 s) is told, and changes no exit code: how fast things
come back depends on what else the machine does.

Exit code: 0 if no promise was broken; 1 if one was, or a scenario cannot run on this machine; 2 for wrong arguments.
`;

/** null: help is asked for. @throws BadArguments */
export function readArguments(argv: readonly string[]): FaultArguments | null {
  const values = parse(argv);
  if (values.help) return null;
  const names = values.scenario ?? [];
  return {
    scenarios: names.length === 0 ? SCENARIOS : names.map(scenarioOf),
    minutes: readNumber('minutes', values.minutes, 0.05, MINUTES_MAX),
    seed: readWhole('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    rate: readWhole('rate', values.rate, 1, RATE_MAX),
    clients: readWhole('clients', values.clients, CLIENTS_MIN, CLIENTS_MAX),
    out: values.out ?? null,
    build: values.build ?? null,
  };
}

function parse(argv: readonly string[]) {
  const text = (value: number) => ({ type: 'string', default: String(value) }) as const;
  try {
    return parseArgs({
      args: [...argv],
      options: {
        scenario: { type: 'string', multiple: true },
        minutes: text(DEFAULTS.minutes),
        seed: text(DEFAULTS.seed),
        rate: text(DEFAULTS.rate),
        clients: text(DEFAULTS.clients),
        out: { type: 'string' },
        build: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new BadArguments(argumentMistake(error));
  }
}

function scenarioOf(name: string): Scenario {
  const scenario = scenarioNamed(name);
  if (scenario === undefined) throw new BadArguments(`there is no scenario ${name}`);
  return scenario;
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const value = readNumber(name, text, least, most);
  if (!Number.isSafeInteger(value)) throw new BadArguments(`--${name} is a whole number`);
  return value;
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  throw new BadArguments(`--${name} is a number from ${least} to ${most}`);
}

function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 90) lines.push(name);
    else lines[lines.length - 1] = `${last}, ${name}`;
  }
  return lines.join(',\n                    ');
}
