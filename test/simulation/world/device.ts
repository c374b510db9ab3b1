// A device of a user: the real SDK, restarted now and then with nothing but what it saved.
import { FanlogClient, memoryStorage, SendRefused } from '../../../services/client/index.ts';
import type { InboxEntry } from '../../../services/protocol/frames.ts';
import { WORLD } from '../kernel/scheduler.ts';
import { SimProcess } from '../kernel/sim-process.ts';
import type { World } from './world.ts';

/** Reconnects faster than in production: a seed lasts half a minute. */
const CLIENT_LIMITS = {
  reconnect: { base_ms: 100, cap_ms: 3_000 },
  undecided_ms: 3_000,
  undecided_ms_max: 10_000,
  reply_ms_max: 5_000,
  send_reply_ms_max: 12_000,
};

/** What the application was told about one message. */
export interface SentRecord {
  readonly device: string;
  readonly user: string;
  readonly conversationId: string;
  readonly payload: string;
  /** The order of this device's sends. */
  readonly order: number;
  progress: string;
  seq: number | null;
  code: string | null;
}

/** What one client gave to the application, until it ended or told it to start over. */
export interface Run {
  /** null before the first entry. */
  epoch: number | null;
  /** It began with such a reset. */
  readonly isAnew: boolean;
  readonly entries: InboxEntry[];
}

export class Device {
  readonly user: string;
  readonly name: string;
  readonly sent: SentRecord[] = [];
  readonly #runs: Run[] = [];
  readonly #world: World;
  readonly #storage: ReturnType<typeof memoryStorage> | null;
  readonly #skew_ms: number;
  readonly #byPayload = new Map<string, SentRecord>();
  #starts = 0;
  process: SimProcess | null = null;
  client: FanlogClient | null = null;

  constructor(world: World, user: string, name: string, skew_ms: number, keeps: boolean) {
    this.#world = world;
    this.user = user;
    this.name = name;
    this.#skew_ms = skew_ms;
    this.#storage = keeps ? memoryStorage() : null;
  }

  start(): void {
    const world = this.#world;
    const { scheduler, faults } = world;
    const process = new SimProcess(`${this.name}.${++this.#starts}`, scheduler, faults, this.#skew_ms);
    this.process = process;
    this.client = null;
    process.later(0, 'start', () => this.#startClient(process));
  }

  crash(restart_ms: number): void {
    const { process } = this;
    if (process === null || process.state === 'dead') return;
    process.crash();
    this.client = null;
    this.#world.scheduler.schedule(restart_ms, WORLD, 'restart', () => {
      if (this.process === process) this.start();
    });
  }

  heal(): void {
    if (this.process?.state === 'dead') this.start();
  }

  /** False when there is no client to send with, or it did not take it. */
  send(conversationId: string, payload: string): boolean {
    const { client, process } = this;
    if (client === null || process?.state !== 'running') return false;
    const record: SentRecord = {
      device: this.name,
      user: this.user,
      conversationId,
      payload,
      order: this.sent.length,
      progress: 'queued',
      seq: null,
      code: null,
    };
    this.#byPayload.set(payload, record);
    try {
      client.send(conversationId, payload);
    } catch (error) {
      if (!(error instanceof SendRefused)) throw error;
      this.#byPayload.delete(payload);
      return false;
    }
    this.sent.push(record);
    return true;
  }

  /** Live, and nothing of its own left to decide. */
  get quiet(): boolean {
    return this.client !== null && this.client.state === 'live' && this.client.outbox.length === 0;
  }

  get inboxSeq(): number {
    return this.client?.cursor?.inboxSeq ?? 0;
  }

  get epoch(): number | null {
    return this.client?.cursor?.epoch ?? null;
  }

  get given(): readonly Readonly<Run>[] {
    return this.#runs;
  }

  get runs(): readonly (readonly InboxEntry[])[] {
    return this.#runs.map(({ entries }) => entries);
  }

  get lastRuns(): readonly (readonly InboxEntry[])[] {
    const from = this.#runs.findLastIndex(({ isAnew }) => isAnew);
    return this.runs.slice(Math.max(0, from));
  }

  #startClient(process: SimProcess): void {
    const world = this.#world;
    const client = new FanlogClient({
      edges: world.edgeUrls,
      token: () => Promise.resolve(this.user),
      device: this.name,
      ...(this.#storage === null ? {} : { storage: this.#storage }),
      runtime: process.runtime,
      connect: world.network.connector(this.user, process),
      limits: CLIENT_LIMITS,
    });
    let run: Run = { epoch: null, isAnew: false, entries: [] };
    this.#runs.push(run);
    client.on('entry', (entry) => {
      const { epoch } = client.cursor!;
      run.epoch ??= epoch;
      if (run.epoch !== epoch) world.violations.add(`${this.name} went from epoch ${run.epoch} to ${epoch} unnoticed`);
      run.entries.push(entry);
    });
    client.on('send', (progress) => {
      const record = this.#byPayload.get(progress.message.payload);
      if (record === undefined) return;
      record.progress = progress.progress;
      if (progress.progress === 'sequenced') record.seq = progress.seq;
      if (progress.progress === 'rejected') record.code = progress.code;
    });
    client.on('error', (failure) => world.violations.add(`the client of ${this.name} ended: ${failure.message}`));
    client.on('reset', ({ epoch }) => {
      if (run.epoch === epoch || !world.numberings.epochs.includes(epoch))
        world.violations.add(`the client of ${this.name} was told to start over in epoch ${epoch}, from ${run.epoch}`);
      run = { epoch, isAnew: true, entries: [] };
      this.#runs.push(run);
    });
    this.client = client;
    void client.start();
  }
}
