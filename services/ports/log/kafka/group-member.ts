// Membership in a consumer group, by Kafka's classic protocol: join, get partitions, beat, give them up, join again.
//
//            ┌────────────────────────── a rebalance: another member came or went ───────────────────────────┐
//            ▼                                                                                               │
//   join ─▶ (the leader shares out) ─▶ sync ─▶ assigned ─▶ heartbeats, each second, whatever the handlers do ─┤
//            ▲                                                                                               │
//            └── pause ◀── anything else went wrong, or no heartbeat was answered for a session's length ◀────┘
//
// Partitions are given up BEFORE joining again, and the handlers get some time to end: others get them only then. It is
// a courtesy, not a lock: a slow handler may overlap with the next owner, and the rules of the log bear that.
//
// kafkajs's own consumer beats from inside its handlers and its fetch loop, joins again while old handlers still run,
// and starts at the LATEST offset wherever nothing was committed.
import { sleep } from '../../../kernel/runtime.ts';
import { type KafkaClient, KafkaUnavailableError, kafkaErrorOf } from './kafka-client.ts';
import { type Broker, MemberAssignment, MemberMetadata } from './kafkajs-internals.ts';

/** Kafka gives a silent member up after this. */
export const SESSION_MS = 6_000;
/** A rebalance waits for members that long: the handlers' time to end, and a heartbeat or two. */
const REBALANCE_MS = 10_000;
const HANDLERS_MS_MAX = 4_000;
/** It is also how soon a member hears of a rebalance. */
const HEARTBEAT_MS = 1_000;
const HEARTBEAT_ANSWER_MS = 2_000;
/** A dead member holds up a join for a session at most: after that it is Kafka that is away. Who closes has 20 s for all. */
const CLOSING_JOIN_MS = SESSION_MS + 1_000;
const BACKOFF_MS_FIRST = 100;
const BACKOFF_MS_MAX = 2_000;
/** One name for all members; another way to share out would be another name. */
const PROTOCOL = 'fanlog-round-robin';

export interface GroupMemberOptions {
  readonly client: KafkaClient;
  /** As Kafka calls it. */
  readonly topic: string;
  readonly partitions: number;
  readonly group: string;
  /** These are this member's, until `revoke`. */
  readonly assign: (partitions: readonly number[]) => void;
  /** They are no more. Resolves when the handlers have ended. */
  readonly revoke: () => Promise<void>;
  /** A heartbeat was answered: all is well with Kafka. */
  readonly beat: () => void;
}

interface Membership {
  readonly coordinator: Broker;
  readonly memberId: string;
  readonly generationId: number;
}

export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #memberId = '';
  #membership: Membership | null = null;
  #joining = false;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    this.#running = this.#run();
    options.client.metrics.add('log_subscriptions');
  }

  /** Tells the group; a failure is only logged. */
  commit(partition: number, offset: number): void {
    const membership = this.#membership;
    if (membership === null) return;
    const { client, topic, group } = this.#options;
    const { coordinator, memberId, generationId } = membership;
    const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }];
    client
      .call(() => coordinator.offsetCommit({ groupId: group, memberId, groupGenerationId: generationId, topics }))
      .catch((error: unknown) => client.logger.debug('a commit failed', { topic, partition, reason: String(error) }));
  }

  /** Gives everything up and leaves. Resolves when that is done; handlers that do not end are left behind. */
  async close(): Promise<void> {
    const { client } = this.#options;
    if (!this.#stop.signal.aborted) client.metrics.add('log_subscriptions', -1);
    this.#stop.abort();
    const impatience = client.runtime.setTimer(CLOSING_JOIN_MS, () => {
      if (this.#joining) client.drop(new KafkaUnavailableError('the member is closed'));
    });
    await this.#running;
    impatience.cancel();
  }

  async #run(): Promise<void> {
    const { client, topic, group } = this.#options;
    const { signal } = this.#stop;
    for (let pause_ms = BACKOFF_MS_FIRST; !signal.aborted; ) {
      try {
        this.#joining = true;
        const membership = await this.#join().finally(() => {
          this.#joining = false;
        });
        pause_ms = BACKOFF_MS_FIRST;
        await this.#beat(membership);
      } catch (error) {
        const kafkaError = kafkaErrorOf(error);
        if (kafkaError === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
        if (kafkaError !== 'REBALANCE_IN_PROGRESS') {
          client.metrics.add('log_memberships_lost');
          client.logger.warn('out of the group', { topic, group, reason: String(error) });
          await this.#giveUp();
          await sleep(client.runtime, pause_ms * (0.5 + client.runtime.random() / 2), signal);
          pause_ms = Math.min(BACKOFF_MS_MAX, pause_ms * 2);
        }
      }
      await this.#giveUp();
    }
    await this.#leave();
  }

  async #join(): Promise<Membership> {
    const { client, topic, group, assign } = this.#options;
    await client.loadMetadata();
    const coordinator = await client.call(() => client.cluster.findGroupCoordinator({ groupId: group }));
    const joined = await client.call(
      () =>
        coordinator.joinGroup({
          groupId: group,
          memberId: this.#memberId,
          sessionTimeout: SESSION_MS,
          rebalanceTimeout: REBALANCE_MS,
          groupProtocols: [{ name: PROTOCOL, metadata: MemberMetadata.encode({ version: 1, topics: [topic] }) }],
        }),
      REBALANCE_MS + SESSION_MS,
    );
    const { memberId, generationId } = joined;
    this.#memberId = memberId;
    const groupAssignment = joined.leaderId === memberId ? this.#shareOut(joined.members) : [];
    const { memberAssignment } = await client.call(
      () => coordinator.syncGroup({ groupId: group, generationId, memberId, groupAssignment }),
      REBALANCE_MS,
    );
    const partitions = MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
    const membership = { coordinator, memberId, generationId };
    if (this.#stop.signal.aborted) return membership;
    this.#membership = membership;
    client.metrics.add('log_memberships');
    client.logger.info('partitions assigned', {
      topic,
      group,
      generation: generationId,
      partitions: partitions.length,
    });
    assign(partitions);
    return membership;
  }

  /** Every partition to one member, evenly. */
  #shareOut(members: readonly { readonly memberId: string }[]): { memberId: string; memberAssignment: Buffer }[] {
    const { topic, partitions } = this.#options;
    const memberIds = members.map(({ memberId }) => memberId).sort();
    return memberIds.map((memberId, place) => {
      const own: number[] = [];
      for (let partition = place; partition < partitions; partition += memberIds.length) own.push(partition);
      return { memberId, memberAssignment: MemberAssignment.encode({ version: 1, assignment: { [topic]: own } }) };
    });
  }

  /** Until the membership ends, which it says by throwing, or this member is closed. */
  async #beat({ coordinator, memberId, generationId }: Membership): Promise<void> {
    const { client, group } = this.#options;
    const { runtime } = client;
    let answeredAt = runtime.monotonic();
    for (;;) {
      await sleep(runtime, HEARTBEAT_MS, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const sentAt = runtime.monotonic();
      try {
        await client.call(
          async () => {
            await coordinator.connectionPool.getConnection(0);
            return coordinator.heartbeat({ groupId: group, memberId, groupGenerationId: generationId });
          },
          HEARTBEAT_ANSWER_MS,
          coordinator,
        );
        answeredAt = sentAt;
        this.#options.beat();
      } catch (error) {
        if (kafkaErrorOf(error) !== null) throw error;
        // Kafka counts from the last heartbeat that it got: from here on the partitions may be another's.
        if (runtime.monotonic() + HEARTBEAT_MS > answeredAt + SESSION_MS) throw error;
        // The coordinator may be another broker by now; it knows us and our generation.
        const found = await client
          .call(() => client.cluster.findGroupCoordinator({ groupId: group }), HEARTBEAT_ANSWER_MS)
          .catch(() => coordinator);
        coordinator = found;
        this.#membership = { coordinator, memberId, generationId };
      }
    }
  }

  async #giveUp(): Promise<void> {
    if (this.#membership !== null) this.#options.client.metrics.add('log_memberships', -1);
    this.#membership = null;
    const ended = new AbortController();
    void this.#options.revoke().then(() => ended.abort());
    await sleep(this.#options.client.runtime, HANDLERS_MS_MAX, ended.signal);
  }

  async #leave(): Promise<void> {
    const { client, group } = this.#options;
    const memberId = this.#memberId;
    if (memberId === '') return;
    await client
      .call(async () => {
        const coordinator = await client.cluster.findGroupCoordinator({ groupId: group });
        await coordinator.leaveGroup({ groupId: group, memberId });
      }, HEARTBEAT_ANSWER_MS)
      .catch((error: unknown) => client.logger.debug('leaving the group failed', { group, reason: String(error) }));
  }
}
