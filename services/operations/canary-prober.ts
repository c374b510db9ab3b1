// Proves, from outside, that a message would come through: a canary goes into a partition of `messages`, is copied by
// fanout into every partition of `inbox`, and comes back from each on the delivery stream of whoever let it out.
//
//   messages/3 ──▶ fanout ──▶ inbox/0 … inbox/15 ──▶ inbox processors ──▶ this process's stream, 16 times
//
// What has to come back depends on the role, and so does what is let out, because one canary costs a record in every
// inbox partition (16 x 16 for a round of all):
// - api, edge: ready while any came back within 30 s. A rotating quarter of the partitions each round: whole fleets of
//   edges probe, and one stuck partition must not take all of them out of service. At the start they wait for every pair
//   of partitions, because processors take their partitions one by one, but 5 s at most.
// - fanout: ready while one came back through each of its own partitions of `messages`, which it probes each round: all
//   fanouts together probe every partition every 15 s.
// - inbox: the same for its own partitions of `inbox`. Two rotating partitions of `messages` a round, so that four
//   different ones lie within 30 s: a partition of fanout that is stuck does not make it unready.
// A partition just taken gets 30 s of grace. Whoever has none stands by, and is ready like an edge. So nobody is ready
// while nothing is delivered: at the start nobody is before the first canary came back.
//
// Rounds are 15 s apart, also while nothing comes back: canaries wait in the log like messages, so the first one that is
// delivered again says so at once, and a fleet that asked more and more would lengthen the queue it waits for. Only the
// first ten rounds are fast.
import { encodeMessagesRecord } from '../events/codec.ts';
import { TOPICS } from '../events/topics.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { CanaryDelivery } from '../ports/delivery/delivery-stream.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { OwnedPartition } from '../ports/log/owned-partitions.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';
import { type Collector, gauge, type Sample } from './exposition.ts';

const INTERVAL_MS = 15_000;
/** Until the first ones came back: the processors may be a moment behind. */
const INTERVAL_FIRST_MS = 500;
const FAST_ROUNDS = 10;
/** Two rounds in a row were lost. */
export const UNREADY_AFTER_MS = 30_000;
const WAIT_FOR_ALL_MS = 5_000;
/** So many partitions or fewer are all probed each round (the embedded profile has four). */
const FEW_PARTITIONS = 4;
const ROTATING_FOR_INBOX = 2;

/** Partitions that a stage of this process has, and must prove. */
export type Owned = () => readonly OwnedPartition[];

export interface CanaryProberOptions {
  /** Whose delivery stream they come back on; `onCanary` is to be called for each. */
  readonly address: NodeAddress;
  readonly log: EventLog;
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** false: only stages are proved with it; no client depends on this stream. */
  readonly forClients?: boolean;
  readonly fanout?: Owned;
  readonly inbox?: Owned;
}

export class CanaryProber {
  readonly #options: CanaryProberOptions;
  readonly #partitions: { readonly messages: number; readonly inbox: number };
  readonly #rotating: number;
  /** When (monotonic) a canary last came back: through each partition of messages, from each of inbox. */
  readonly #backThrough = { messages: new Map<number, number>(), inbox: new Map<number, number>() };
  /** `source/inbox` partitions that ever came back; null when nobody waits for all of them any more. */
  #pairs: Set<string> | null = new Set();
  #firstAt = Number.NaN;
  #lastAt: number | null = null;
  /** Monotonic. */
  readonly #madeAt: number;
  #rounds = 0;
  #next: number;
  #settled = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: CanaryProberOptions) {
    this.#options = options;
    const { log, runtime, forClients = true, inbox } = options;
    this.#partitions = log.layout.partitions;
    const { messages } = this.#partitions;
    const wanted = forClients ? quarterOf(messages) : inbox === undefined ? 1 : ROTATING_FOR_INBOX;
    this.#rotating = Math.min(wanted, messages);
    // Processes started together do not probe the same partitions.
    this.#next = Math.floor(runtime.random() * messages);
    this.#madeAt = runtime.monotonic();
  }

  start(): void {
    this.#probe();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  onCanary({ sourcePartition, inboxPartition }: CanaryDelivery): void {
    const now = this.#now();
    if (this.#lastAt === null) this.#firstAt = now;
    this.#lastAt = now;
    this.#backThrough.messages.set(sourcePartition, now);
    this.#backThrough.inbox.set(inboxPartition, now);
    if (this.#pairs === null) return;
    this.#pairs.add(`${sourcePartition}/${inboxPartition}`);
    const { messages, inbox } = this.#partitions;
    if (this.#pairs.size === messages * inbox) this.#pairs = null;
  }

  /** null: some canary came back within 30 s. Otherwise why this process cannot know that messages are delivered. */
  whyNothingIsDelivered(): string | null {
    if (this.#lastAt === null) return 'no canary came back yet';
    const silent_ms = this.#now() - this.#lastAt;
    return silent_ms > UNREADY_AFTER_MS ? `no canary back for ${seconds(silent_ms)}` : null;
  }

  /** The same for api and edge, who wait at the start for every pair of partitions. */
  whyClientsMustWait(): string | null {
    const why = this.whyNothingIsDelivered();
    if (why !== null || this.#pairs === null) return why;
    const { messages, inbox } = this.#partitions;
    if (this.#now() - this.#firstAt <= WAIT_FOR_ALL_MS)
      return `canaries came back through ${this.#pairs.size} of ${messages * inbox} pairs of partitions`;
    this.#pairs = null;
    return null;
  }

  /** null: a canary came back lately through each partition of the stage. */
  whyNotAll(owned: Owned): string | null {
    const why = this.whyNothingIsDelivered();
    if (why !== null) return why;
    const silent = owned().flatMap((partition) => {
      const silent_ms = this.#silentFor(partition);
      return silent_ms > UNREADY_AFTER_MS ? [{ ...partition, silent_ms }] : [];
    });
    const [first, ...others] = silent;
    if (first === undefined) return null;
    const more = others.length === 0 ? '' : `, and on ${others.length} more of its partitions`;
    return `no canary back on ${first.topic}/${first.partition} for ${seconds(first.silent_ms)}${more}`;
  }

  /** Seconds since the last one: for clients, and by partition of the stages here. */
  readonly collect: Collector = () => {
    const { forClients = true, address, fanout, inbox } = this.#options;
    const samples: Sample[] = [];
    if (forClients)
      samples.push({ labels: { role: address.node }, value: (this.#now() - (this.#lastAt ?? this.#madeAt)) / 1_000 });
    for (const [role, owned] of Object.entries({ fanout, inbox }))
      for (const partition of owned?.() ?? []) {
        const labels = { role, topic: partition.topic, partition: partition.partition };
        samples.push({ labels, value: this.#silentFor(partition) / 1_000 });
      }
    const help =
      'Since the last canary came back to this process; by partition: through that partition, or since it was taken.';
    return [gauge('fanlog_canary_age_seconds', help, samples)];
  };

  #silentFor({ topic, partition, takenAt }: OwnedPartition): number {
    const back = topic === 'timeline' ? undefined : this.#backThrough[topic].get(partition);
    return this.#now() - Math.max(back ?? takenAt, takenAt);
  }

  #probe(): void {
    const { address, log, logger, runtime } = this.#options;
    const canaryId = Buffer.from(runtime.randomBytes(8)).toString('hex');
    const { node, incarnation } = address;
    const origin = { node, incarnation, session: 0, request: 0 };
    const value = Uint8Array.from(encodeMessagesRecord({ type: 'Canary', canaryId, origin }));
    const batches = this.#partitionsOfRound().map((partition) => ({ partition, records: [{ key: canaryId, value }] }));
    log.append(TOPICS.messages, batches).catch((error: unknown) => {
      if (!this.#stopped) logger.warn('a canary could not be appended', { error: String(error) });
    });
    this.#rounds++;
    this.#timer = runtime.setTimer(this.#pause_ms(), () => this.#probe());
  }

  #partitionsOfRound(): readonly number[] {
    const { messages } = this.#partitions;
    const own = this.#options.fanout?.() ?? [];
    const partitions = new Set(own.map(({ partition }) => partition));
    // A fanout that has partitions probes those, and needs no others.
    const rotating = this.#options.forClients === false && !this.#options.inbox && own.length > 0 ? 0 : this.#rotating;
    for (let i = 0; i < rotating; i++) partitions.add((this.#next + i) % messages);
    this.#next = (this.#next + rotating) % messages;
    return [...partitions].sort((a, b) => a - b);
  }

  #pause_ms(): number {
    const { forClients = true, fanout, inbox } = this.#options;
    this.#settled ||=
      (!forClients || this.whyClientsMustWait() === null) &&
      (fanout === undefined || this.whyNotAll(fanout) === null) &&
      (inbox === undefined || this.whyNotAll(inbox) === null);
    return this.#settled || this.#rounds > FAST_ROUNDS ? INTERVAL_MS : INTERVAL_FIRST_MS;
  }

  #now(): number {
    return this.#options.runtime.monotonic();
  }
}

function quarterOf(partitions: number): number {
  return partitions <= FEW_PARTITIONS ? partitions : Math.ceil(partitions / 4);
}

function seconds(duration_ms: number): string {
  return `${Math.round(duration_ms / 1_000)} s`;
}
