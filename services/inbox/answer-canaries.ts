// Sends canaries back to whoever let them out, the way of an entry: a row first, then the delivery stream. A process lets
// several out at once, and so does a whole fleet: those that were read together share one row, and those of one process one call.
import type { InboxCanary } from '../events/inbox-records.ts';
import type { Logger } from '../kernel/logger.ts';
import type { CanaryDelivery, DeliveryStream } from '../ports/delivery/delivery-stream.ts';
import { addressKey, type NodeAddress } from '../ports/sessions/session-registry.ts';
import type { StateStore } from '../ports/store/state-store.ts';

export interface AnswerDependencies {
  readonly store: Pick<StateStore, 'writeCanary'>;
  readonly delivery: Pick<DeliveryStream, 'publish'>;
  readonly logger: Logger;
}

/** `canaries`: what one read brought of inbox partition `partition`. Never rejects: without a row nobody gets an answer. */
export async function answerCanaries(
  { store, delivery, logger }: AnswerDependencies,
  partition: number,
  canaries: readonly InboxCanary[],
): Promise<void> {
  const last = canaries.at(-1);
  if (last === undefined) return;
  const failed = (error: unknown) => logger.debug('canaries were not answered', { partition, reason: String(error) });
  try {
    await store.writeCanary(partition, last.canaryId);
  } catch (error) {
    failed(error);
    return;
  }
  // One that fails does not keep the others from being waited for.
  const answers = [...byAddress(partition, canaries).values()];
  await Promise.all(answers.map(({ address, records }) => delivery.publish(address, records).catch(failed)));
}

interface Answer {
  readonly address: NodeAddress;
  readonly records: CanaryDelivery[];
}

function byAddress(inboxPartition: number, canaries: readonly InboxCanary[]): ReadonlyMap<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const { canaryId, origin, sourcePartition } of canaries) {
    const address = { node: origin.node, incarnation: origin.incarnation };
    const key = addressKey(address);
    const answer = answers.get(key) ?? { address, records: [] };
    answers.set(key, answer);
    answer.records.push({ type: 'canary', canaryId, sourcePartition, inboxPartition });
  }
  return answers;
}
