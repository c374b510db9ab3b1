// Why a cluster cannot be had, or a request to it cannot be met, for the person who asked: one line that says what, why
// and what to do, perhaps with the end of a log below it.
import { tailOf } from '../log-tail.ts';

export class ClusterError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
  }
}

/** A process of ours that ended instead of starting: its own words first, where it had any, then the end of its log. */
export function notStarted(name: string, log: string): ClusterError {
  const tail = tailOf(log);
  const reason = /^fanlog: (.*)$/m.exec(tail)?.[1] ?? 'it ended by itself';
  return new ClusterError(`${name} failed: ${reason}\nThe end of ${log}:\n${tail}`);
}
