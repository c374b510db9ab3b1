// Proves, from outside, that a message would come through: a canary goes into every partition of `messages`, is copied by
// fanout into every partition of `inbox`, and comes back from there on this process's delivery stream.
//
// Ready: one came back within the last 30 s. At the start it waits for every pair of partitions, because processors take
// their partitions one by one; but not for long, because one stuck partition must not take every api out of service.
import { encodeMessagesRecord } from '../events/codec.ts';
import type { TopicLayout } from '../events/topics.ts';
import { TOPICS } from '../events/topics.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { CanaryDelivery } from '../ports/delivery/delivery-stream.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';

const INTERVAL_MS = 15_000;
/** Until the first one came back: the processors may be a moment behind. */
const INTERVAL_FIRST_MS = 500;
/** Two canaries in a row were lost. */
const UNREADY_AFTER_MS = 30_000;
const WAIT_FOR_ALL_MS = 5_000;

export interface CanaryProberOptions {
  readonly address: NodeAddress;
  readonly log: EventLog;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

export class CanaryProber {
  readonly #options: CanaryProberOptions;
  readonly #layout: TopicLayout;
  /** When (monotonic) a canary last came back, by `source/inbox` partition. */
  readonly #cameBack = new Map<string, number>();
  #firstAt = Number.NaN;
  #lastAt = Number.NEGATIVE_INFINITY;
  #started = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: CanaryProberOptions) {
    this.#options = options;
    this.#layout = options.log.layout;
  }

  start(): void {
    this.#probe();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  onCanary({ sourcePartition, inboxPartition }: CanaryDelivery): void {
    const now = this.#options.runtime.monotonic();
    if (Number.isNaN(this.#firstAt)) this.#firstAt = now;
    this.#lastAt = now;
    this.#cameBack.set(`${sourcePartition}/${inboxPartition}`, now);
  }

  ready(): boolean {
    const now = this.#options.runtime.monotonic();
    if (now - this.#lastAt > UNREADY_AFTER_MS) return false;
    const { messages, inbox } = this.#layout.partitions;
    this.#started ||= this.#cameBack.size === messages * inbox || now - this.#firstAt > WAIT_FOR_ALL_MS;
    return this.#started;
  }

  #probe(): void {
    const { address, log, logger, runtime } = this.#options;
    const canaryId = Buffer.from(runtime.randomBytes(8)).toString('hex');
    const { node, incarnation } = address;
    const origin = { node, incarnation, session: 0, request: 0 };
    const value = Uint8Array.from(encodeMessagesRecord({ type: 'Canary', canaryId, origin }));
    const batches = Array.from({ length: this.#layout.partitions.messages }, (_, partition) => {
      return { partition, records: [{ key: canaryId, value }] };
    });
    log.append(TOPICS.messages, batches).catch((error: unknown) => {
      if (!this.#stopped) logger.warn('a canary could not be appended', { error: String(error) });
    });
    if (this.#stopped) return;
    this.#timer = runtime.setTimer(this.ready() ? INTERVAL_MS : INTERVAL_FIRST_MS, () => this.#probe());
  }
}
