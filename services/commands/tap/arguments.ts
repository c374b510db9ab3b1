// The command line. Whatever is wrong with it is one line.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../kernel/command-line.ts';
import { BadInput } from './tap-error.ts';

export const USAGE = `Usage: npm run tap -- --to FORMAT --out DIR [--from START] [--follow] [--profile PROFILE]
                           [--roll-mib N] [--roll-seconds N]

Writes what was decided (the topic timeline) to files, one row an event, each event once. schemas/README.md names the
columns. Run again with the same folder, it goes on where it stopped; nothing is written twice or left out, also after
a kill -9.

  --to parquet|avro   Parquet files, or Avro object container files
  --out DIR           where they go, as events-000001.parquet and so on; what has this name is whole. A folder of its own
  --from earliest     begin with the oldest event that is there; the default
  --from TIME         begin with events of this time (2026-11-21, or 2026-11-21T14:00:00Z). By the log's clock: imported
                      history has the time of its import, not that at which it was said
  --from OFFSETS      begin at these offsets (0:1200,1:980: partition 0 at 1200, 1 at 980, others with their oldest)
  --follow            go on with what is decided from now on, until Ctrl-C
  --profile embedded  read FANLOG_DATA, also while a server runs there; the default where FANLOG_KAFKA is not set
  --profile cluster   read Kafka (FANLOG_KAFKA, FANLOG_PREFIX); the default where FANLOG_KAFKA is set
  --roll-mib N        a file ends at about N MiB; 128 by default
  --roll-seconds N    with --follow, a file ends after N seconds; 60 by default

Exit code: 0 when everything was written, or Ctrl-C ended --follow; 1 if it could not go on; 2 if it could not begin.
`;

export const FORMATS = ['parquet', 'avro'] as const;
export type Format = (typeof FORMATS)[number];
export type TapProfile = 'embedded' | 'cluster';

export type Start =
  | { readonly type: 'earliest' }
  /** Milliseconds since 1970. */
  | { readonly type: 'time'; readonly time_ms: number }
  /** By partition; one that is not named begins with its oldest record. */
  | { readonly type: 'offsets'; readonly offsets: ReadonlyMap<number, number> };

export interface TapArguments {
  readonly to: Format;
  readonly out: string;
  readonly from: Start;
  /** As it was typed. */
  readonly fromText: string;
  readonly follow: boolean;
  /** null: as the settings say. */
  readonly profile: TapProfile | null;
  readonly roll_bytes: number;
  readonly roll_ms: number;
}

const MIB = 1024 * 1024;
const ROLL_MIB = 128;
/** One file is one Parquet footer and its row groups' statistics in memory: more than a file system's block is enough. */
const ROLL_MIB_MAX = 4_096;
const ROLL_SECONDS = 60;
const ROLL_SECONDS_MAX = 86_400;

/** @throws BadInput */
export function readArguments(args: readonly string[]): TapArguments | 'help' {
  const { values, positionals } = parse(args);
  if (values.help === true) return 'help';
  const [stranger] = positionals;
  if (stranger !== undefined) throw new BadInput(`${stranger} belongs to no option. See --help.`);
  const { to, out, from = 'earliest', follow = false, profile = null } = values;
  const format = FORMATS.find((name) => name === to);
  if (to === undefined) throw new BadInput('Say which files: --to parquet or --to avro. See --help.');
  if (format === undefined) throw new BadInput(`--to ${to}: there are parquet and avro.`);
  if (out === undefined || out === '') throw new BadInput('Name the folder that the files go to: --out DIR.');
  if (profile !== null && profile !== 'embedded' && profile !== 'cluster') {
    throw new BadInput(`--profile ${profile}: there are embedded and cluster.`);
  }
  return {
    to: format,
    out,
    from: startOf(from),
    fromText: from,
    follow,
    profile,
    roll_bytes: wholeNumber('--roll-mib', values['roll-mib'], ROLL_MIB, ROLL_MIB_MAX) * MIB,
    roll_ms: wholeNumber('--roll-seconds', values['roll-seconds'], ROLL_SECONDS, ROLL_SECONDS_MAX) * 1_000,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        out: { type: 'string' },
        from: { type: 'string' },
        follow: { type: 'boolean' },
        profile: { type: 'string' },
        'roll-mib': { type: 'string' },
        'roll-seconds': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new BadInput(`${argumentMistake(error)}. See --help.`);
  }
}

const OFFSETS = /^\d{1,5}:\d{1,13}(?:,\d{1,5}:\d{1,13})*$/;
// A date, or a moment with its zone: one without would mean another moment on every machine.
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

function startOf(text: string): Start {
  if (text === 'earliest') return { type: 'earliest' };
  if (OFFSETS.test(text)) return { type: 'offsets', offsets: offsetsOf(text) };
  const time_ms = TIME.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time_ms)) return { type: 'time', time_ms };
  throw new BadInput(
    `--from ${text}: give earliest, a time with its zone (2026-11-21T14:00:00Z), or offsets by partition (0:1200,1:980).`,
  );
}

function offsetsOf(text: string): ReadonlyMap<number, number> {
  const offsets = new Map<number, number>();
  for (const pair of text.split(',')) {
    const [partition, offset] = pair.split(':').map(Number) as [number, number];
    if (offsets.has(partition)) throw new BadInput(`--from ${text}: partition ${partition} stands there twice.`);
    offsets.set(partition, offset);
  }
  return offsets;
}

function wholeNumber(flag: string, text: string | undefined, unset: number, max: number): number {
  if (text === undefined) return unset;
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1 && value <= max) return value;
  throw new BadInput(`${flag} ${text}: give a whole number from 1 to ${max}.`);
}
