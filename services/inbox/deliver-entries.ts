// Tells connected recipients about entries whose rows are written. Hints: a failure costs a pull, never a message.
import type { EntryKind } from '../events/inbox-records.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { DeliveryRecord, DeliveryStream, EntryDelivery, Recipient } from '../ports/delivery/delivery-stream.ts';
import type { NodeAddress, SessionRegistry } from '../ports/sessions/session-registry.ts';

/** An event of the cycle, with the places it got. */
export interface WrittenEntry {
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: EntryKind;
  readonly event: Uint8Array;
  readonly recipients: readonly Recipient[];
}

export interface DeliverDependencies {
  readonly registry: SessionRegistry;
  readonly delivery: DeliveryStream;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const NOBODY: readonly string[] = [];

/**
 * Looks the recipients up, and puts one record per entry and node on the delivery streams. The rows were written before
 * this is called, so a session that is missed here was registered after them and finds them by its own pull.
 * `epoch`: of the set of tables that gave them their places. `behind`: users who are told to pull instead. Resolves with those for whom it was given up; never rejects.
 */
export async function deliverEntries(
  dependencies: DeliverDependencies,
  epoch: EntryDelivery['epoch'],
  entries: readonly WrittenEntry[],
  behind: ReadonlySet<string>,
): Promise<readonly string[]> {
  const { registry, metrics, logger } = dependencies;
  const users = new Set(behind);
  for (const { recipients } of entries) for (const { user } of recipients) users.add(user);
  if (users.size === 0) return NOBODY;
  try {
    const connected = await registry.lookup([...users]);
    const missed = await Promise.all(
      connected.map(async ({ address, users: there }) => {
        const everybody = there.length === users.size;
        const records = everybody
          ? recordsForAll(epoch, entries, behind)
          : recordsFor(epoch, new Set(there), entries, behind);
        return (await publish(dependencies, address, records)) ? NOBODY : there;
      }),
    );
    return missed.flat();
  } catch (error) {
    metrics.add('inbox_hints_failed');
    logger.debug('recipients could not be looked up', { reason: String(error) });
    return [...users];
  }
}

/** What `recordsFor` comes to when one node has them all: always so with a single node, and nothing to filter. */
function recordsForAll(
  epoch: EntryDelivery['epoch'],
  entries: readonly WrittenEntry[],
  behind: ReadonlySet<string>,
): DeliveryRecord[] {
  const records: DeliveryRecord[] = entries.map(({ conversationId, seq, kind, event, recipients }) => {
    return { type: 'entry', epoch, conversationId, seq, kind, event, recipients };
  });
  if (behind.size > 0) records.push({ type: 'behind', users: [...behind] });
  return records;
}

function recordsFor(
  epoch: EntryDelivery['epoch'],
  there: ReadonlySet<string>,
  entries: readonly WrittenEntry[],
  behind: ReadonlySet<string>,
): DeliveryRecord[] {
  const records: DeliveryRecord[] = [];
  for (const { conversationId, seq, kind, event, recipients } of entries) {
    const here = recipients.filter(({ user }) => there.has(user));
    if (here.length > 0) records.push({ type: 'entry', epoch, conversationId, seq, kind, event, recipients: here });
  }
  const users = [...behind].filter((user) => there.has(user));
  if (users.length > 0) records.push({ type: 'behind', users });
  return records;
}

/** false: whether the records are on the stream is not known. */
async function publish(
  { registry, delivery, metrics, logger }: DeliverDependencies,
  address: NodeAddress,
  records: readonly DeliveryRecord[],
): Promise<boolean> {
  try {
    const result = await delivery.publish(address, records);
    metrics.add('inbox_hints', records.length);
    // Its sessions are gone with it, or it will register them again: nobody has to look there any more.
    if (result === 'gone') await registry.removeNode(address);
    return true;
  } catch (error) {
    metrics.add('inbox_hints_failed');
    logger.debug('entries were not handed over', { node: address.node, reason: String(error) });
    return false;
  }
}
