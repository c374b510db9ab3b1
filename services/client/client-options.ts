// What a client is given, and its own limits with the sums that chose them.
import { limits } from '../kernel/limits.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { Cursor } from '../protocol/frames.ts';
import type { BackoffLimits } from './backoff.ts';
import type { ConnectSocket } from './client-socket.ts';
import type { ClientStorage } from './client-storage.ts';

export interface ClientLimits {
  /** Messages not yet decided. */
  readonly outbox_messages_max: number;
  /** Sends on the wire without a reply. 64 at 200 bytes fill a 20 ms path at 3,000 sends/s. */
  readonly window: number;
  /** A connection that is not open, not welcomed, or leaves a heartbeat or a pull unanswered this long is dropped. */
  readonly reply_ms_max: number;
  /** A send may take longer: the edge repeats an append before it says `log_unavailable`. */
  readonly send_reply_ms_max: number;
  /** Accepted but undecided for this long: pull, then send again. Doubles while nothing is decided. */
  readonly undecided_ms: number;
  readonly undecided_ms_max: number;
  /** Between connections. */
  readonly reconnect: BackoffLimits;
  /**
   * In the first `outage_young_ms` without a good connection the pauses stay under this: who watches a restart is back
   * within seconds, and a failed attempt costs one request.
   */
  readonly outage_young_cap_ms: number;
  readonly outage_young_ms: number;
  /** A connection that lasted this long was a good one: the next pause is short again. */
  readonly stable_ms: number;
  /** After a clean `draining`: within this, so that a restarted edge's clients come back spread out. */
  readonly draining_ms: number;
  /** After `too_many_frames`: at least this. */
  readonly rate_pause_ms: number;
  /** After a page that says `wait`. */
  readonly pull: BackoffLimits;
  /** After a send that was refused for now. */
  readonly resend: BackoffLimits;
}

export const clientLimits: ClientLimits = {
  outbox_messages_max: limits.outbox_messages_max,
  window: 64,
  reply_ms_max: 10_000,
  send_reply_ms_max: 30_000,
  undecided_ms: 5_000,
  undecided_ms_max: 60_000,
  reconnect: { base_ms: 250, cap_ms: 20_000 },
  outage_young_cap_ms: 4_000,
  outage_young_ms: 60_000,
  stable_ms: 5_000,
  draining_ms: 1_000,
  rate_pause_ms: 1_000,
  pull: { base_ms: 100, cap_ms: 10_000 },
  resend: { base_ms: 200, cap_ms: 10_000 },
};

export interface ClientOptions {
  /** Addresses of edges, tried in random order, the one just lost last. The function is called anew when all were tried. */
  readonly edges: readonly string[] | (() => Promise<readonly string[]>);
  /** Called for every connection; a rejection counts as a failed attempt. */
  readonly token: () => Promise<string>;
  /** Names this device or browser tab; two connections of one user must not share it. */
  readonly device: string;
  readonly platform?: string;
  /** Where an application that keeps entries itself has got to. It stands above the storage's. */
  readonly cursor?: Cursor;
  /** Keeps the outbox (and the cursor) over a restart. Without one they live as long as this object. */
  readonly storage?: ClientStorage;
  readonly runtime: Runtime;
  readonly connect: ConnectSocket;
  readonly limits?: Partial<ClientLimits>;
}
