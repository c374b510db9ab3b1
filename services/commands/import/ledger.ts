// The account of a run. Counted once per line or command, however often it was attempted: a crash changes none of it.
import type { ChaosReport } from './chaos.ts';
import type { InboxCounts } from './inbox-checker.ts';

export type Rejections = Record<string, number>;

export interface Ledger {
  readonly rooms: number;
  readonly users: number;
  /** Of them: nicks that are no legal ids, and are written with escapes. */
  readonly escapedNicks: number;
  readonly lines: number;
  readonly messages: {
    readonly sent: number;
    /** The log had it: it was accepted, or decided without our hearing of that. */
    readonly accepted: number;
    readonly sequenced: number;
    readonly rejected: Rejections;
  };
  /** Creating, adding, removing. */
  readonly commands: {
    readonly sent: number;
    readonly sequenced: number;
    /** Joins of somebody present, leaves of somebody absent. */
    readonly unchanged: number;
    readonly rejected: Rejections;
  };
  readonly inboxes: InboxCounts & { readonly members: number };
}

/** What a run took; differs from run to run. */
export interface Cost {
  readonly time_s: {
    readonly reading: number;
    /** Of the import's own server or cluster. */
    readonly starting: number;
    readonly importing: number;
    readonly verifying: number;
  };
  /** Between the first send and the last check. */
  readonly cpu_s: {
    readonly import: number;
    /** The import's own server or cluster altogether; null where the system does not tell, or it is not ours. */
    readonly server: number | null;
    /** The same by process; null of servers that others run. */
    readonly processes: Readonly<Record<string, number | null>>;
  };
  /** null without --chaos. */
  readonly chaos: ChaosReport | null;
}

/** Whether everybody holds what the file says. */
export function isClean({ inboxes }: Ledger): boolean {
  const { missing, repeated, outOfOrder, unexpected } = inboxes;
  return missing === 0 && repeated === 0 && outOfOrder === 0 && unexpected === 0;
}

/** Whether the run did what it was asked for, and found what it should. */
export function isOk(ledger: Ledger, { chaos }: Cost): boolean {
  return isClean(ledger) && (chaos === null || chaos.notKilled.length === 0);
}

export class Tally {
  sent = 0;
  accepted = 0;
  sequenced = 0;
  unchanged = 0;
  readonly rejected: Rejections = {};

  reject(code: string): void {
    this.rejected[code] = (this.rejected[code] ?? 0) + 1;
  }
}

export function sumOf(counts: Iterable<InboxCounts>): InboxCounts {
  const sum = { expected: 0, found: 0, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0 };
  for (const one of counts) {
    for (const name of Object.keys(sum) as (keyof InboxCounts)[]) sum[name] += one[name];
  }
  return sum;
}
