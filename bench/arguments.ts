// What `npm run bench -- …` takes.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../services/kernel/command-line.ts';
import { SENDERS_MAX } from './loader/message-ids.ts';
import { isScenarioName, type ScenarioName, scenarios } from './scenarios/index.ts';
import type { ScenarioOptions } from './scenarios/scenario.ts';
import type { Profile } from './server.ts';

const NAMES = Object.keys(scenarios) as ScenarioName[];

const DEFAULTS = { seconds: 10, pairs: 100, window: 16, members: 500, 'payload-bytes': 200, rate: 200 } as const;
type NumberName = keyof typeof DEFAULTS;

/** Bounds in time and count: a run ends by itself, and fits the file descriptors of a process. */
const MOST: Readonly<Record<NumberName, number>> = {
  seconds: 600,
  pairs: Math.min(4_000, SENDERS_MAX),
  window: 1_000,
  members: 500,
  'payload-bytes': 16_000,
  rate: 20_000,
};

export const USAGE = `Usage: npm run bench -- [${NAMES.join('|')} …] [options]

  --seconds 10          of measuring, a scenario (a group twice: one at a time, and ${DEFAULTS.window} in flight)
  --pairs 100           of users, 1:1
  --window 16           messages of a sender under way at once
  --members 500         of the group
  --payload-bytes 200   of each text
  --rate 200            messages a second of the latency scenario
  --profile embedded
  --json                the results as JSON on standard output
  --server-args="…"     arguments of Node for the server, for profiling it
`;

export interface BenchArguments {
  readonly names: readonly ScenarioName[];
  readonly profile: Profile;
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
  if (values.profile !== 'embedded') throw new BadArguments(`there is no profile ${values.profile} yet: embedded`);
  const number = (name: NumberName) => readNumber(name, values[name]);
  return {
    names: positionals.length > 0 ? (positionals as ScenarioName[]) : NAMES,
    profile: values.profile,
    json: values.json,
    serverArguments: values['server-args'].split(' ').filter((part) => part !== ''),
    options: {
      seconds: number('seconds'),
      pairs: number('pairs'),
      window: number('window'),
      members: number('members'),
      payload_bytes: number('payload-bytes'),
      messagesPerSecond: number('rate'),
    },
  };
}

function parse(argv: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        seconds: text,
        pairs: text,
        window: text,
        members: text,
        'payload-bytes': text,
        rate: text,
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
  if (Number.isSafeInteger(value) && value >= 1 && value <= MOST[name]) return value;
  throw new BadArguments(`--${name} is a whole number from 1 to ${MOST[name]}`);
}
