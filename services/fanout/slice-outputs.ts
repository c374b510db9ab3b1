// What the commands of one slice came to, gathered so that each target is written once per slice.
import { encodeInboxRecord, encodeTimelineEvent } from '../events/codec.ts';
import type { Canary, Command } from '../events/commands.ts';
import { partitionOf } from '../events/partition.ts';
import type { Position } from '../events/position.ts';
import type { TopicLayout } from '../events/topics.ts';
import type { OutcomeDelivery } from '../ports/delivery/delivery-stream.ts';
import type { AppendBatch, NewRecord } from '../ports/log/event-log.ts';
import { addressKey, type NodeAddress } from '../ports/sessions/session-registry.ts';
import type { PastMemberRow, TimelineRow } from '../ports/store/state-store.ts';
import type { Decision } from './fold-conversation.ts';
import type { RecipientRouter } from './route-recipients.ts';

export interface OutcomesOfNode {
  readonly address: NodeAddress;
  readonly records: OutcomeDelivery[];
  /** Senders whose outcome comes too late to be told. */
  readonly late: string[];
}

export class SliceOutputs {
  readonly timelineRows: TimelineRow[] = [];
  readonly pastMembers: PastMemberRow[] = [];
  /** Inbox copies that follow from this slice: what bounds it. */
  copies = 0;
  /** Bytes to append, all topics together. */
  bytes = 0;
  readonly outcomes = new Map<string, OutcomesOfNode>();
  readonly #layout: TopicLayout;
  readonly #router: RecipientRouter;
  readonly #timeline = new Map<number, NewRecord[]>();
  readonly #inbox = new Map<number, NewRecord[]>();

  constructor(layout: TopicLayout, router: RecipientRouter) {
    this.#layout = layout;
    this.#router = router;
  }

  /** `late`: the command is so old that its sender is told `behind` instead of the outcome. */
  add(command: Command, decision: Decision, sourcePartition: number, late: boolean): void {
    if (decision.event !== null) this.#addEvent(decision, sourcePartition);
    const outcomes = this.#outcomesOf(command.origin);
    if (late) outcomes.late.push(command.sender);
    else
      outcomes.records.push({
        type: 'outcome',
        session: command.origin.session,
        request: command.origin.request,
        conversationId: command.conversationId,
        commandId: command.commandId,
        outcome: decision.outcome,
      });
  }

  #addEvent({ event, recipients, joined, ended }: Decision, sourcePartition: number): void {
    if (event === null) return;
    const { conversationId, seq, ordinal, sender, commandId, time, position, type: kind } = event;
    const bytes = encodeTimelineEvent(event);
    this.bytes += bytes.length;
    this.timelineRows.push({ conversationId, seq, ordinal, sender, commandId, time, position, event: bytes });
    for (const { user, joinedSeq } of ended)
      this.pastMembers.push({ conversationId, user, joinedSeq, leftSeq: seq, position });
    const timelinePartition = partitionOf(conversationId, this.#layout.partitions.timeline);
    push(this.#timeline, timelinePartition, { key: conversationId, value: bytes });
    for (const { partition, users } of this.#router.group(recipients)) {
      const value = encodeInboxRecord({
        type: 'InboxEntries',
        sourcePartition,
        sourcePosition: position,
        conversationId,
        seq,
        kind,
        time,
        recipients: users,
        joined: joined.length === 0 ? joined : joined.filter((user) => users.includes(user)),
        left: ended.length === 0 ? NOBODY : ended.filter(({ user }) => users.includes(user)),
        event: bytes,
      });
      push(this.#inbox, partition, { key: conversationId, value });
      this.bytes += value.length;
      this.copies += users.length;
    }
  }

  /** One canary for every inbox partition: each of them must prove itself. */
  addCanary({ canaryId, origin }: Canary, sourcePartition: number, sourcePosition: Position): void {
    const value = encodeInboxRecord({ type: 'InboxCanary', sourcePartition, sourcePosition, canaryId, origin });
    for (let partition = 0; partition < this.#layout.partitions.inbox; partition++)
      push(this.#inbox, partition, { key: canaryId, value });
  }

  timelineBatches(): readonly AppendBatch[] {
    return batches(this.#timeline);
  }

  inboxBatches(): readonly AppendBatch[] {
    return batches(this.#inbox);
  }

  #outcomesOf({ node, incarnation }: NodeAddress): OutcomesOfNode {
    const key = addressKey({ node, incarnation });
    let outcomes = this.outcomes.get(key);
    if (outcomes === undefined) {
      outcomes = { address: { node, incarnation }, records: [], late: [] };
      this.outcomes.set(key, outcomes);
    }
    return outcomes;
  }
}

const NOBODY: readonly never[] = [];

function push<V>(lists: Map<number, V[]>, key: number, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function batches(lists: ReadonlyMap<number, NewRecord[]>): readonly AppendBatch[] {
  return [...lists].map(([partition, records]) => ({ partition, records }));
}
