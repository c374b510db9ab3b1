// Groups an event's recipients by the partition their inboxes are in: one record per partition, not per recipient.
import { partitionOf } from '../events/partition.ts';

/** By partition of `inbox`, ascending; only partitions that have recipients. */
export type RecipientGroups = readonly { readonly partition: number; readonly users: readonly string[] }[];

export class RecipientRouter {
  readonly #partitions: number;
  /** The fold hands out the same array until the members change, so that their hashes are computed once. */
  readonly #groups = new WeakMap<readonly string[], RecipientGroups>();

  constructor(inboxPartitions: number) {
    this.#partitions = inboxPartitions;
  }

  group(recipients: readonly string[]): RecipientGroups {
    let groups = this.#groups.get(recipients);
    if (groups === undefined) {
      groups = groupByPartition(recipients, this.#partitions);
      this.#groups.set(recipients, groups);
    }
    return groups;
  }
}

function groupByPartition(recipients: readonly string[], partitions: number): RecipientGroups {
  const users: string[][] = Array.from({ length: partitions }, () => []);
  for (const user of recipients) users[partitionOf(user, partitions)]!.push(user);
  return users.flatMap((group, partition) => (group.length === 0 ? [] : [{ partition, users: group }]));
}
