// From records of the delivery stream to the sessions they are for. Deliveries are hints: whoever is not there any more
// is passed over, and whoever comes later pulls.
import { decodeTimelineEvent } from '../events/codec.ts';
import type { Logger } from '../kernel/logger.ts';
import type {
  BehindDelivery,
  CanaryDelivery,
  DeliveryRecord,
  EntryDelivery,
  OutcomeDelivery,
} from '../ports/delivery/delivery-stream.ts';
import { SharedPush } from '../protocol/encode-frame.ts';
import type { ConnectedUser } from './connected-user.ts';
import type { EdgeSession } from './edge-session.ts';

/**
 * Events kept encoded for the next record: one event comes once per inbox partition that has recipients here (16), and
 * under load hundreds of others come in between (a slice of each partition). Two generations of so many, 0.6 kB each as a
 * rule, 16 MB if all of them are of the greatest size.
 */
const RECENT_EVENTS_MAX = 512;

/** More than these are told over some seconds: each of them pulls, and a pull costs more than a push. */
const BEHIND_AT_ONCE_MAX = 100;

export interface DeliveryDispatcherDeps {
  /** Whether these inboxSeqs are of the epoch in force here. */
  readonly takes: (epoch: EntryDelivery['epoch']) => boolean;
  readonly logger: Logger;
  readonly userOf: (user: string) => ConnectedUser | undefined;
  readonly sessionOf: (number: number) => EdgeSession | undefined;
  /** `behind`, spread over some seconds. */
  readonly tellBehindSoon: (sessions: readonly EdgeSession[]) => void;
  /** One that this edge's prober let out: nobody else hears of it. */
  readonly onCanary: (record: CanaryDelivery) => void;
}

export class DeliveryDispatcher {
  readonly #deps: DeliveryDispatcherDeps;
  #recent = new Map<string, SharedPush>();
  #older = new Map<string, SharedPush>();

  constructor(deps: DeliveryDispatcherDeps) {
    this.#deps = deps;
  }

  dispatch(records: readonly DeliveryRecord[]): void {
    for (const record of records) {
      switch (record.type) {
        case 'entry':
          this.#onEntry(record);
          break;
        case 'outcome':
          this.#onOutcome(record);
          break;
        case 'behind':
          this.#onBehind(record);
          break;
        case 'canary':
          this.#deps.onCanary(record);
          break;
      }
    }
  }

  #onEntry(record: EntryDelivery): void {
    if (!this.#deps.takes(record.epoch)) {
      // Numbers of other tables. Its writer or this edge has not switched yet: whoever is concerned pulls meanwhile.
      this.#deps.tellBehindSoon(record.recipients.flatMap(({ user }) => this.#deps.userOf(user)?.sessions ?? []));
      return;
    }
    let push: SharedPush | null | undefined;
    for (const { user: name, inboxSeq } of record.recipients) {
      const user = this.#deps.userOf(name);
      if (user === undefined) continue;
      if (inboxSeq > user.head) user.head = inboxSeq;
      for (const session of user.sessions) {
        if (push === undefined) push = this.#pushOf(record);
        if (push === null) session.tellBehind();
        else session.push(push, inboxSeq);
      }
    }
  }

  /** null for an event of a newer version than this process: a hint that cannot be read must not end an edge. */
  #pushOf({ conversationId, seq, event }: EntryDelivery): SharedPush | null {
    const key = `${seq}/${conversationId}`;
    let push = this.#recent.get(key) ?? this.#older.get(key);
    if (push !== undefined) return push;
    try {
      push = new SharedPush(decodeTimelineEvent(event));
    } catch (error) {
      this.#deps.logger.error('an event could not be read', { conversationId, seq, error: String(error) });
      return null;
    }
    if (this.#recent.size >= RECENT_EVENTS_MAX) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, push);
    return push;
  }

  #onOutcome({ session, conversationId, commandId, outcome }: OutcomeDelivery): void {
    this.#deps.sessionOf(session)?.tellOutcome(conversationId, commandId, outcome);
  }

  #onBehind({ users }: BehindDelivery): void {
    const sessions = users.flatMap((name) => this.#deps.userOf(name)?.sessions ?? []);
    if (sessions.length > BEHIND_AT_ONCE_MAX) this.#deps.tellBehindSoon(sessions);
    else for (const session of sessions) session.tellBehind();
  }
}
