// An EdgeNode whose clock, log, store and registry are moved by hand, and sockets that keep what they were sent.

import { EdgeNode } from '../../../services/edge/edge-node.ts';
import type { EdgeSession } from '../../../services/edge/edge-session.ts';
import type { EdgeSocket } from '../../../services/edge/edge-socket.ts';
import { decodeMessagesRecord } from '../../../services/events/codec.ts';
import type { SendMessage } from '../../../services/events/commands.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import { EMBEDDED_LAYOUT } from '../../../services/events/topics.ts';
import type { Authenticator } from '../../../services/kernel/authentication.ts';
import { type ErrorCode, refusal } from '../../../services/kernel/errors.ts';
import { limits } from '../../../services/kernel/limits.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { Metrics } from '../../../services/kernel/metrics.ts';
import type { Runtime, Timer } from '../../../services/kernel/runtime.ts';
import type { CanaryDelivery } from '../../../services/ports/delivery/delivery-stream.ts';
import { MemoryDeliveryStream } from '../../../services/ports/delivery/embedded/memory-delivery-stream.ts';
import { type AppendBatch, AppendError, type EventLog } from '../../../services/ports/log/event-log.ts';
import { addressKey, type ConnectedAt, type NodeAddress } from '../../../services/ports/sessions/session-registry.ts';
import { LiveTables } from '../../../services/ports/store/live-tables.ts';
import { type InboxRow, type StateStore, StoreError } from '../../../services/ports/store/state-store.ts';

/** Lets everything that needs no time happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export class HandRuntime implements Runtime {
  #time = 1_800_000_000_000;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time - 1_700_000_000_000;
  }

  setTimer(delay_ms: number, callback: () => void): Timer {
    const timer = { at: this.#time + delay_ms, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  random(): number {
    return 0.5;
  }

  randomBytes(size: number): Uint8Array {
    return new Uint8Array(size);
  }

  /** Moves time on, firing what falls due on the way, each with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#time = Math.max(this.#time, due.at);
      due.callback();
      await settle();
    }
    this.#time = end;
    await settle();
  }
}

export interface HandAppend {
  readonly batches: readonly AppendBatch[];
  succeed(): void;
  fail(outcome?: 'refused' | 'unknown'): void;
}

/** Appends wait until a test settles them. */
export class HandLog {
  readonly layout = EMBEDDED_LAYOUT;
  readonly appends: HandAppend[] = [];

  append(_topic: string, batches: readonly AppendBatch[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.appends.push({
        batches,
        succeed: resolve,
        fail: (outcome = 'unknown') => reject(new AppendError(outcome, 'by hand')),
      });
    });
  }

  /** The messages' payloads of each append so far. */
  payloads(): string[][] {
    return this.appends.map(({ batches }) =>
      batches.flatMap(({ records }) => records.map(({ value }) => textOf(decodeMessagesRecord(value) as SendMessage))),
    );
  }
}

function textOf({ payload }: SendMessage): string {
  return new TextDecoder().decode(payload);
}

/** Inboxes of which only the length matters. */
export class HandStore {
  readonly heads = new Map<string, number>();
  failing = false;
  /** Called before every read of an inbox. */
  onRead: (user: string) => void = () => {};
  /** While set, reads of inboxes wait for it. */
  gate: Promise<void> | null = null;

  async loadHeads(users: readonly string[]) {
    return users.map(() => null);
  }

  async readInbox(user: string, fromSeq: number, rows_max: number): Promise<InboxRow[]> {
    this.onRead(user);
    await this.gate;
    if (this.failing) throw new StoreError('by hand');
    const count = Math.max(0, Math.min(rows_max, (this.heads.get(user) ?? 0) - fromSeq + 1));
    return Array.from({ length: count }, (_, index) => ({
      user,
      inboxSeq: fromSeq + index,
      conversationId: directConversationId(user, 'zoe'),
      seq: fromSeq + index,
      kind: 'MessageSent',
      position: 0,
    }));
  }

  async readEvents(pointers: readonly unknown[]): Promise<null[]> {
    return pointers.map(() => null);
  }

  async close(): Promise<void> {}
}

export class HandRegistry {
  readonly registered = new Set<string>();
  readonly calls: string[] = [];
  currentEpoch = 'first';
  failing = false;
  /** While set, calls wait for it. */
  gate: Promise<void> | null = null;

  async register(_: NodeAddress, users: readonly string[]): Promise<void> {
    await this.#answer(`register ${users.join(' ')}`);
    for (const user of users) this.registered.add(user);
  }

  async unregister(_: NodeAddress, users: readonly string[]): Promise<void> {
    await this.#answer(`unregister ${users.join(' ')}`);
    for (const user of users) this.registered.delete(user);
  }

  async lookup(users: readonly string[]): Promise<readonly ConnectedAt[]> {
    if (this.failing) throw new Error('by hand');
    const there = users.filter((user) => this.registered.has(user));
    return there.length === 0 ? [] : [{ address: ADDRESS, users: there }];
  }

  async removeNode(address: NodeAddress): Promise<void> {
    this.calls.push(`remove ${addressKey(address)}`);
    this.registered.clear();
  }

  async epoch(): Promise<string> {
    if (this.failing) throw new Error('by hand');
    return this.currentEpoch;
  }

  async close(): Promise<void> {}

  async #answer(call: string): Promise<void> {
    this.calls.push(call);
    await this.gate;
    if (this.failing) throw new Error('by hand');
  }
}

export interface Frame {
  readonly id?: number | null;
  readonly type: string;
  readonly code?: ErrorCode;
  readonly number?: number;
  readonly head?: number;
  readonly inboxSeq?: number;
  readonly [field: string]: unknown;
}

export class HandSocket implements EdgeSocket {
  readonly frames: Frame[] = [];
  /** How many frames each write to the network held. */
  readonly writes: number[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  full = false;
  #corked = false;

  send(frame: Uint8Array | string): 'sent' | 'dropped' {
    if (this.full) return 'dropped';
    this.frames.push(JSON.parse(typeof frame === 'string' ? frame : new TextDecoder().decode(frame)) as Frame);
    if (this.#corked) this.writes[this.writes.length - 1]!++;
    else this.writes.push(1);
    return 'sent';
  }

  cork(write: () => void): void {
    this.#corked = true;
    this.writes.push(0);
    write();
    this.#corked = false;
  }

  end(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  /** What came since the last call. */
  take(): Frame[] {
    return this.frames.splice(0);
  }
}

export class HandClient {
  readonly socket = new HandSocket();
  readonly session: EdgeSession;

  constructor(node: EdgeNode) {
    this.session = node.accept(this.socket);
  }

  async say(...frames: (object | string)[]): Promise<Frame[]> {
    for (const frame of frames) {
      this.session.onFrame(new TextEncoder().encode(typeof frame === 'string' ? frame : JSON.stringify(frame)));
    }
    await settle();
    return this.socket.take();
  }

  hello(user: string, device = 'laptop'): Promise<Frame[]> {
    return this.say({ id: 1, type: 'hello', token: user, device });
  }

  /** The number is the payload too. */
  send(...numbers: number[]): Promise<Frame[]> {
    return this.say(...numbers.map(sendRequest));
  }

  get closedWith(): string | undefined {
    return this.socket.closes[0]?.reason;
  }
}

export function sendRequest(number: number) {
  const hex = number.toString(16).padStart(12, '0');
  return {
    id: 1000 + number,
    type: 'send',
    number,
    conversationId: directConversationId('alice', 'bob'),
    clientMessageId: `01a1fd54-47a5-730f-a76a-${hex}`,
    payload: String(number),
  };
}

export const ADDRESS: NodeAddress = { node: 'edge-1', incarnation: 'run-1' };
export const TOKEN_LIFETIME_MS = 3_600_000;
export const EPOCH = 7;

export interface HandNode {
  readonly node: EdgeNode;
  readonly runtime: HandRuntime;
  readonly log: HandLog;
  readonly store: HandStore;
  readonly registry: HandRegistry;
  readonly delivery: MemoryDeliveryStream;
  readonly metrics: Metrics;
  /** What its prober was given. */
  readonly canaries: readonly CanaryDelivery[];
  connect(): HandClient;
  /** A client that has said hello, with its frames taken. */
  signIn(user: string, device?: string): Promise<HandClient>;
  /** Puts the next set of tables in force: its store. */
  switchTo(epoch: number): Promise<HandStore>;
}

export async function startHandNode(delivery = new MemoryDeliveryStream()): Promise<HandNode> {
  const runtime = new HandRuntime();
  const log = new HandLog();
  const store = new HandStore();
  const registry = new HandRegistry();
  const metrics = new Metrics();
  const stores = [store];
  const open = async (number: number) => stores[number] as unknown as StateStore;
  const sets = {
    open,
    make: open,
    list: async () => [],
    remove: async () => {},
  };
  const tables = await LiveTables.open(sets, { tables: 0, epoch: EPOCH }, { runtime, logger: silentLogger });
  const switchTo = async (epoch: number) => {
    const next = new HandStore();
    stores.push(next);
    await tables.switchTo({ tables: stores.length - 1, epoch });
    return next;
  };
  const canaries: CanaryDelivery[] = [];
  // The token is the user's name.
  const authenticator: Authenticator = {
    verify: async (token) => {
      if (token === 'bad') return refusal('unauthenticated');
      if (token === 'later') return refusal('store_unavailable');
      return { user: token, expiresAt: runtime.now() + TOKEN_LIFETIME_MS };
    },
  };
  const node = new EdgeNode({
    address: ADDRESS,
    runtime,
    log: log as unknown as EventLog,
    tables,
    registry,
    delivery,
    authenticator,
    limits,
    metrics,
    logger: silentLogger,
    onCanary: (record) => canaries.push(record),
  });
  await node.start();
  const connect = () => new HandClient(node);
  const signIn = async (user: string, device?: string) => {
    const client = connect();
    await client.hello(user, device);
    return client;
  };
  return { node, runtime, log, store, registry, delivery, metrics, canaries, connect, signIn, switchTo };
}
