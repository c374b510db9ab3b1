// What can be seen from outside while a seed runs: every frame on every connection. Nothing is believed; the checker
// compares it with the log at the end, and some things can only be judged at once.
import type { CommandToSubmit } from '../../../services/api/command-gateway.ts';
import { decodeMessagesRecord } from '../../../services/events/codec.ts';
import type { Outcome } from '../../../services/events/outcome.ts';
import type { ErrorReply, EventBody, InboxEntry, ServerFrame, SyncRequest } from '../../../services/protocol/frames.ts';
import { commandKey } from '../checker/replayed-log.ts';
import type { Violations } from '../checker/violations.ts';
import type { SimulatedLog } from '../ports/simulated-log.ts';
import type { NetworkTap } from '../ports/simulated-network.ts';

export interface ToldOutcome {
  readonly user: string;
  readonly commandId: string;
  readonly outcome: Pick<Outcome, 'result'> & { readonly seq?: number; readonly code?: string };
}

export interface SeenEntry {
  readonly user: string;
  /** Absent where there is one only. */
  readonly epoch?: number;
  readonly inboxSeq: number;
  readonly event: EventBody;
}

export class Observations implements NetworkTap {
  /** What anyone saw at (epoch, user, inboxSeq). */
  readonly entries = new Map<string, SeenEntry>();
  /** What anyone was given as history. */
  readonly history = new Map<string, { readonly user: string; readonly event: EventBody }>();
  readonly outcomes: ToldOutcome[] = [];
  /** (sender, command id) of every send that was accepted. */
  readonly accepted = new Set<string>();
  prefixPulls = 0;
  behinds = 0;
  outOfTurn = 0;
  readonly #log: SimulatedLog;
  readonly #violations: Violations;
  readonly #requests = new WeakMap<object, Map<number, string>>();
  /** Of what is pushed on each connection: that of the welcome, then that of the last pull. */
  readonly #epochs = new WeakMap<object, number>();
  readonly #inLog = new Set<string>();
  readonly #scanned: number[];

  constructor(log: SimulatedLog, violations: Violations) {
    this.#log = log;
    this.#violations = violations;
    this.#scanned = log.partitions('messages').map(() => 0);
  }

  fromClient(connection: object, user: string, text: string): void {
    if (text.includes('"type":"sync"')) {
      const { cursor } = JSON.parse(text) as SyncRequest;
      this.#epochs.set(connection, cursor.epoch);
    }
    if (!text.includes('"type":"send"')) return;
    const frame = JSON.parse(text) as { id: number; clientMessageId: string };
    const requests = this.#requests.get(connection) ?? new Map<number, string>();
    requests.set(frame.id, commandKey(user, frame.clientMessageId));
    this.#requests.set(connection, requests);
  }

  fromEdge(connection: object, user: string, text: string): void {
    const frame = JSON.parse(text) as ServerFrame;
    switch (frame.type) {
      case 'welcome':
        this.#epochs.set(connection, frame.epoch);
        break;
      case 'push':
        this.#onPush(connection, user, frame);
        break;
      case 'entries':
        for (const entry of frame.entries) this.#see(user, frame.epoch, entry);
        if (frame.status === 'wait') this.prefixPulls++;
        break;
      case 'events':
        for (const event of frame.events)
          this.history.set(`${user} ${event.conversationId}#${event.seq}`, { user, event });
        break;
      case 'accepted':
        this.#onAccepted(user, this.#requests.get(connection)?.get(frame.id));
        break;
      case 'outcome':
        this.outcomes.push({
          user,
          commandId: frame.clientMessageId,
          outcome: {
            result: frame.result,
            ...(frame.seq === undefined ? {} : { seq: frame.seq }),
            ...(frame.code === undefined ? {} : { code: frame.code }),
          },
        });
        break;
      case 'behind':
        this.behinds++;
        break;
      case 'error':
        this.#onError(connection, user, frame);
        break;
    }
  }

  onApiOutcome({ sender, commandId }: CommandToSubmit, outcome: Outcome): void {
    this.outcomes.push({ user: sender, commandId, outcome });
  }

  #onPush(connection: object, user: string, push: InboxEntry): void {
    const epoch = this.#epochs.get(connection);
    if (epoch === undefined) this.#violations.add(`${user} was pushed to before the welcome`);
    else this.#see(user, epoch, push);
  }

  #see(user: string, epoch: number, { inboxSeq, event }: InboxEntry): void {
    const key = `${epoch} ${user} ${inboxSeq}`;
    const before = this.entries.get(key);
    if (before === undefined) this.entries.set(key, { user, epoch, inboxSeq, event });
    else if (JSON.stringify(before.event) !== JSON.stringify(event)) {
      this.#violations.add(`inboxSeq ${inboxSeq} of ${user} was seen with two contents`, 'renumbered');
    }
  }

  /** `accepted` says that the log has it: at that moment, not soon. */
  #onAccepted(user: string, key: string | undefined): void {
    if (key === undefined) {
      this.#violations.add(`${user} was told accepted and sent nothing`);
      return;
    }
    this.accepted.add(key);
    if (!this.#isInLog(key)) this.#violations.add(`a send of ${user} was accepted before the log had it`, 'lost');
  }

  #onError(connection: object, user: string, frame: ErrorReply): void {
    if (frame.code === 'out_of_turn') this.outOfTurn++;
    const isSend = frame.id !== null && this.#requests.get(connection)?.has(frame.id);
    if (isSend && !frame.retry) this.#violations.add(`a send of ${user} was refused for good: ${frame.code}`);
  }

  #isInLog(key: string): boolean {
    for (const partition of this.#log.partitions('messages')) {
      let scanned = this.#scanned[partition.number]!;
      for (; scanned < partition.records.length; scanned++) {
        const record = decodeMessagesRecord(partition.records[scanned]!.value);
        if ('commandId' in record) this.#inLog.add(commandKey(record.sender, record.commandId));
      }
      this.#scanned[partition.number] = scanned;
    }
    return this.#inLog.has(key);
  }
}
