// The command line. Whatever is wrong with it is one line.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../kernel/command-line.ts';
import { BadInput } from './bad-input.ts';

export const USAGE = `Usage: npm run import -- FILE [--rooms N] [--profile PROFILE] [--url URL] [--json] [--chaos]

Replays chat history through the front door, then checks everybody's inbox against the file.

  FILE                one JSON object a line, plain or gzip (bench/data/ubuntu-irc-one-room.jsonl.gz is one)
  --rooms N           only the first N rooms, in file order
  --profile embedded  run a server of one process, on FANLOG_DATA; the default. The rooms stay there; no other server
                      may run there
  --profile cluster   run a cluster: Kafka, Cassandra, Redis (or those of FANLOG_KAFKA, FANLOG_CASSANDRA, FANLOG_REDIS),
                      one api, two each of edge, fanout and inbox. Nothing stays
  --url URL           send to the server there instead; needs its FANLOG_APP_KEY
  --json              print one JSON object on standard output (npm run -s keeps npm's own lines out)
  --chaos             kill -9 in the middle what the import runs, to be started again: the server once; of the cluster
                      one process of every role, in turn

Exit code: 0 if nothing is missing, repeated or out of order; 1 if something is, or not everything was killed that
--chaos is to kill; 2 if it could not begin.
`;

export type ImportProfile = 'embedded' | 'cluster';

export interface ImportArguments {
  readonly file: string;
  /** Of the import's own server or cluster. */
  readonly profile: ImportProfile;
  readonly rooms_max: number;
  /** Without a slash at its end; null: a server of our own. */
  readonly url: string | null;
  readonly json: boolean;
  readonly chaos: boolean;
}

/** @throws BadInput */
export function readArguments(args: readonly string[]): ImportArguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const [file, second] = positionals;
  if (file === undefined) throw new BadInput('Name the file to import: npm run import -- FILE. See --help.');
  if (second !== undefined) throw new BadInput(`One file at a time: ${second} is a second one.`);
  const { rooms, profile = 'embedded', url, json = false, chaos = false } = values;
  if (profile !== 'embedded' && profile !== 'cluster') {
    throw new BadInput(`--profile ${profile}: there are embedded and cluster.`);
  }
  if (profile === 'cluster' && url !== undefined) {
    throw new BadInput('--profile cluster starts a cluster, --url sends to one that runs: drop one of them.');
  }
  if (chaos && url !== undefined) throw new BadInput('--chaos kills only what the import runs itself: drop --url.');
  return { file, profile, rooms_max: roomsMax(rooms), url: url === undefined ? null : addressOf(url), json, chaos };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rooms: { type: 'string' },
        profile: { type: 'string' },
        url: { type: 'string' },
        json: { type: 'boolean' },
        chaos: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new BadInput(`${argumentMistake(error)}. See --help.`);
  }
}

function roomsMax(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new BadInput(`--rooms ${text}: give a whole number from 1.`);
}

function addressOf(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url.replace(/\/+$/, '');
  throw new BadInput(`--url ${url}: give the address of the HTTP api, as http://localhost:8080.`);
}
