// A device of a user: the real SDK, which may go offline and come back with what it saved, like an application that is
// closed and opened again.
import { FanlogClient, memoryStorage, SendRefused } from '../../../services/client/index.ts';
import { connectNode, systemRuntime } from '../../../services/client/node.ts';
import type { InboxEntry } from '../../../services/protocol/frames.ts';
import type { ObservedDevice } from '../../simulation/checker/check-clients.ts';
import type { Violations } from '../../simulation/checker/violations.ts';
import type { Observations } from './observations.ts';

export interface ParticipantOptions {
  readonly user: string;
  /** Unlike any other device's. */
  readonly name: string;
  /** Addresses of edges, asked for at every connection. */
  readonly edges: () => readonly string[];
  readonly token: () => Promise<string>;
  readonly observations: Observations;
  readonly violations: Violations;
  /** Called for each entry, pushed or pulled. */
  readonly onEntry?: (entry: InboxEntry) => void;
  /** It knows the number of this message: by the outcome, or by its own copy when the edge died with the receipt. */
  readonly onSequenced?: (payload: string) => void;
}

type Sent = ObservedDevice['sent'][number];

export class Participant implements ObservedDevice {
  readonly user: string;
  readonly name: string;
  readonly sent: Sent[] = [];
  /** Entries of each run of the client, in the order the application got them: what they hold, `observations` knows. */
  readonly runs: Pick<InboxEntry, 'inboxSeq'>[][] = [];
  readonly #options: ParticipantOptions;
  readonly #storage = memoryStorage();
  readonly #byPayload = new Map<string, Sent>();
  #client: FanlogClient | null = null;

  constructor(options: ParticipantOptions) {
    this.user = options.user;
    this.name = options.name;
    this.#options = options;
  }

  get isOnline(): boolean {
    return this.#client !== null;
  }

  /** Connected, and at the end of its inbox as far as it knows. */
  get isLive(): boolean {
    return this.#client?.state === 'live';
  }

  /** And nothing of its own is left to decide. */
  get isSettled(): boolean {
    return this.isLive && this.#client?.outbox.length === 0;
  }

  /** What it has of its inbox. */
  get inboxSeq(): number {
    return this.#client?.cursor?.inboxSeq ?? 0;
  }

  /** For messages of failed tests. */
  get state(): string {
    const { state = 'offline', outbox = [] } = this.#client ?? {};
    return `${this.name} is ${state} at ${this.inboxSeq}, ${outbox.length} to send`;
  }

  async goOnline(): Promise<void> {
    if (this.#client !== null) return;
    const { user, name, edges, token, observations, violations, onEntry } = this.#options;
    const client = new FanlogClient({
      edges: async () => edges(),
      token,
      device: name,
      storage: this.#storage,
      runtime: systemRuntime,
      connect: observations.watch(connectNode, user, name),
    });
    this.#client = client;
    const run: Pick<InboxEntry, 'inboxSeq'>[] = [];
    this.runs.push(run);
    client.on('entry', (entry) => {
      run.push({ inboxSeq: entry.inboxSeq });
      onEntry?.(entry);
    });
    client.on('send', (progress) => {
      const record = this.#byPayload.get(progress.message.payload);
      if (record === undefined) return;
      record.progress = progress.progress;
      if (progress.progress === 'sequenced') {
        record.seq = progress.seq;
        this.#options.onSequenced?.(record.payload);
      }
      if (progress.progress === 'rejected') record.code = progress.code;
    });
    client.on('error', ({ code, message }) => violations.add(`the client ${name} ended (${code}): ${message}`));
    client.on('reset', () => violations.add(`the client ${name} was told to start over`, 'renumbered'));
    await client.start();
  }

  /** What it has not sent yet, it sends when it is back. */
  goOffline(): void {
    this.#client?.close();
    this.#client = null;
  }

  /** False when it is offline, or has too much to send already. */
  send(conversationId: string, payload: string): boolean {
    if (this.#client === null) return false;
    const { user, name } = this;
    const order = this.sent.length;
    const record: Sent = {
      ...{ device: name, user, conversationId, payload, order },
      ...{ progress: 'queued', seq: null, code: null },
    };
    this.#byPayload.set(payload, record);
    try {
      this.#client.send(conversationId, payload);
    } catch (error) {
      this.#byPayload.delete(payload);
      if (error instanceof SendRefused) return false;
      throw error;
    }
    this.sent.push(record);
    return true;
  }
}
