// Pairs of users, in each of which one writes to the other.
import { randomBytes } from 'node:crypto';
import { directConversationId } from '../../services/events/ids.ts';
import type { ScenarioContext } from '../scenarios/scenario.ts';
import type { ChatConnection } from './chat-connection.ts';
import { Measurement } from './measurement.ts';
import { type OpenedConnections, openConnections } from './open-connections.ts';
import { Traffic } from './traffic.ts';

/** The recipient's, and the sender's own. */
const COPIES = 2;

export interface Pairs extends OpenedConnections {
  readonly traffic: Traffic;
  /** By their number in `traffic`. */
  readonly senders: readonly ChatConnection[];
}

export async function openPairs({ target, options, progress }: ScenarioContext, name: string): Promise<Pairs> {
  const traffic = new Traffic(new Measurement(target.processes), COPIES, options.payload_bytes);
  // New conversations, also where an earlier run was on the same server: their numbers begin with 1.
  const run = randomBytes(3).toString('hex');
  const names = Array.from({ length: options.pairs }, (_, i) => {
    return [`${name}-${run}-${i}-from`, `${name}-${run}-${i}-to`] as const;
  });
  progress(`${name}: connecting ${2 * options.pairs} users`);
  const opened = await openConnections(target, traffic, names.flat());
  const senders = names.map(([from, to], i) => {
    const conversationId = directConversationId(from, to);
    const sender = opened.connections[2 * i]!;
    sender.join(conversationId, 0);
    opened.connections[2 * i + 1]!.join(conversationId, 0);
    sender.becomeSender(traffic.addSender());
    return sender;
  });
  return { ...opened, traffic, senders };
}
