// The command line. Whatever is wrong with it is one line.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../kernel/command-line.ts';
import { BadInput } from './bad-input.ts';

export const USAGE = `Usage: npm run import -- FILE [--rooms N] [--profile embedded] [--url URL] [--json] [--chaos]

Replays chat history through the front door, then checks everybody's inbox against the file.

  FILE                one JSON object a line, plain or gzip (bench/data/ubuntu-irc-one-room.jsonl.gz is one)
  --rooms N           only the first N rooms, in file order
  --profile embedded  what the import's own server runs as; the default
  --url URL           send to the server there instead; needs its FANLOG_APP_KEY
  --json              print one JSON object on standard output (npm run -s keeps npm's own lines out)
  --chaos             kill the import's own server with -9 once in the middle, and start it again

Without --url the import runs a server of its own on FANLOG_DATA and leaves the data there; no other server may run there.
Exit code: 0 if nothing is missing, repeated or out of order; 1 if something is; 2 if it could not begin.
`;

export interface ImportArguments {
  readonly file: string;
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
  if (profile !== 'embedded') throw new BadInput(`--profile ${profile}: this version has the profile embedded only.`);
  if (chaos && url !== undefined) throw new BadInput('--chaos kills only a server that the import runs: drop --url.');
  return { file, rooms_max: roomsMax(rooms), url: url === undefined ? null : addressOf(url), json, chaos };
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
