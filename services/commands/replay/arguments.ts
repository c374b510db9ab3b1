// The command line. Whatever is wrong with it is one line.
import { parseArgs } from 'node:util';
import { argumentMistake } from '../../kernel/command-line.ts';
import type { ReplaySource } from '../../replay/rebuild-state.ts';
import { ReplayError } from '../../replay/replay-error.ts';

export const USAGE = `Usage: npm run replay -- --from messages|inbox [--dry-run] [--partition N,N] [--rows-per-second N]
                                   [--restart] [--digests FILE] [--json]

Rebuilds timelines, conversations, members, inboxes and heads from the topics, in a new set of tables beside the live
ones, while the system runs; compares the two row for row; then puts the new set in force, without a restart. The
embedded profile on FANLOG_DATA, or the cluster of FANLOG_KAFKA, FANLOG_CASSANDRA and FANLOG_REDIS.

  --from inbox          inboxes from the topic inbox: the same rows, the same numbers. It reaches back 7 days
  --from messages       inboxes from the topic messages: the same events; where their order in an inbox comes out
                        otherwise, the epoch rises and clients pull anew
  --dry-run             rebuild and compare; put nothing in force, leave nothing behind
  --partition N,N       only these partitions of that topic; with --dry-run
  --rows-per-second N   written at most, of timelines, inboxes and memberships; as fast as it goes without. The
                        comparison reads both sets as fast as they answer
  --restart             begin anew: without it an interrupted run is gone on with
  --digests FILE        write a line of JSON for every user and conversation: its rows, their digest in both sets
  --json                print one JSON object on standard output (npm run -s keeps npm's own lines out)

Exit code: 0 if it is done; 1 if --dry-run found a difference, or rows that the live tables do not have yet; 2 if it
could not begin or not go on.
`;

export interface ReplayArguments {
  readonly from: ReplaySource;
  readonly dryRun: boolean;
  readonly only: ReadonlySet<number> | null;
  readonly rowsPerSecond: number;
  readonly restart: boolean;
  readonly digests: string | null;
  readonly json: boolean;
}

/** @throws ReplayError */
export function readArguments(args: readonly string[]): ReplayArguments | 'help' {
  const values = parse(args);
  if (values.help === true) return 'help';
  const { from, partition, 'dry-run': dryRun = false, restart = false, digests = null, json = false } = values;
  if (from === undefined)
    throw new ReplayError('Say what to rebuild from: --from messages or --from inbox. See --help.');
  if (from !== 'messages' && from !== 'inbox') throw new ReplayError(`--from ${from}: there are messages and inbox.`);
  const only = partition === undefined ? null : partitionsOf(partition);
  if (only !== null && !dryRun)
    throw new ReplayError(
      '--partition compares some of the tables, and only whole sets are put in force: add --dry-run.',
    );
  return { from, dryRun, only, rowsPerSecond: rowsOf(values['rows-per-second']), restart, digests, json };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        from: { type: 'string' },
        'dry-run': { type: 'boolean' },
        partition: { type: 'string' },
        'rows-per-second': { type: 'string' },
        restart: { type: 'boolean' },
        digests: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    return values;
  } catch (error) {
    throw new ReplayError(`${argumentMistake(error)}. See --help.`);
  }
}

function partitionsOf(text: string): ReadonlySet<number> {
  if (!/^\d{1,4}(,\d{1,4})*$/.test(text)) throw new ReplayError(`--partition ${text}: give numbers, as 0 or 0,3,7.`);
  return new Set(text.split(',').map(Number));
}

function rowsOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new ReplayError(`--rows-per-second ${text}: give a whole number from 1.`);
}
