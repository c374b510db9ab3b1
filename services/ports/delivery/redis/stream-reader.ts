// One stream and who reads it: a connection that waits in XREAD, from the last entry it has seen.
//
//   publishers  XADD NOMKSTREAM MAXLEN ~ n ──▶ [ 7  8  9  10 ] ◀── XREAD after 7 ── reader
//                                                └ kept as the mark: what is trimmed by us is below it
//
// A stream is trimmed by its length only when it has more entries than n, so ours is missing only if n newer ones were
// added, and unread ones may be missing with it. Whoever read fewer than it asked for (at most n) has read to the end and
// missed nothing; otherwise it looks whether an entry at or below its own is still there.
import type { Redis } from 'ioredis';
import { type Runtime, sleep } from '../../../kernel/runtime.ts';
import { runIdOf } from '../../sessions/redis/redis-connection.ts';
import type { DeliveryRecord } from '../delivery-stream.ts';
import { decodeRecords, UnknownDeliveryError } from './record-codec.ts';

export interface StreamReaderSettings {
  readonly key: string;
  /** Entries that the stream holds at least. */
  readonly entries_max: number;
  /** Without its reader a stream lives this long: publishers find it gone, and its sessions are at other edges by then. */
  readonly expiry_ms: number;
  /** XREAD blocks this long at most; then the expiry is renewed, and a stream that vanished is noticed. */
  readonly renew_ms: number;
  /** Least time between two reads: more entries a read, at the cost of this latency. */
  readonly pause_ms: number;
}

const ENTRIES_PER_READ_MAX = 256;
const RETRY_MS = 100;
/** In one step: a stream without an expiry would outlive its reader. */
const CREATE = `
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'm', '')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return id`;
const FIRST_ID = "local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1] return first and first[1]";

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

export class StreamReader {
  readonly #redis: Redis;
  readonly #runtime: Runtime;
  readonly #settings: StreamReaderSettings;
  readonly #onRecords: (records: readonly DeliveryRecord[]) => void;
  readonly #onGap: () => void;
  readonly #closing = new AbortController();
  readonly #entriesPerRead: number;
  #last = '0-0';
  #runId = '';
  #renewAt = 0;

  constructor(
    redis: Redis,
    runtime: Runtime,
    settings: StreamReaderSettings,
    onRecords: (records: readonly DeliveryRecord[]) => void,
    onGap: () => void,
  ) {
    this.#redis = redis;
    this.#runtime = runtime;
    this.#settings = settings;
    this.#onRecords = onRecords;
    this.#onGap = onGap;
    this.#entriesPerRead = Math.min(ENTRIES_PER_READ_MAX, settings.entries_max);
  }

  /** Makes the stream, and begins to read what is published from now on. */
  async start(): Promise<void> {
    this.#runId = await runIdOf(this.#redis);
    await this.#create();
    void this.#run();
  }

  /** Nothing is handed over from here on. */
  stop(): void {
    this.#closing.abort();
    this.#redis.disconnect();
  }

  /** What a handler throws is nobody's to catch: it ends the process. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let look = false;
    while (!signal.aborted) {
      let entries: readonly Entry[] = [];
      let gap = false;
      try {
        if (look) gap = await this.#lookAfterFailure();
        look = false;
        if (this.#runtime.monotonic() >= this.#renewAt) gap = !(await this.#renew()) || gap;
        if (!gap) {
          entries = await this.#read();
          if (entries.length >= this.#entriesPerRead) gap = await this.#isOurEntryTrimmed();
        }
      } catch {
        look = true;
        // Read, but whether something was missing before them is not known.
        if (entries.length > 0) gap = true;
      }
      if (signal.aborted) return;
      if (gap) this.#onGap();
      if (entries.length > 0) this.#handOver(entries);
      const pause_ms = look ? RETRY_MS : entries.length > 0 ? this.#settings.pause_ms : 0;
      if (pause_ms > 0) await sleep(this.#runtime, pause_ms, signal);
    }
  }

  async #read(): Promise<readonly Entry[]> {
    const { key, renew_ms } = this.#settings;
    const options = ['COUNT', this.#entriesPerRead, 'BLOCK', renew_ms, 'STREAMS', key, this.#last] as const;
    const answer = (await this.#redis.xreadBuffer(...options)) as [Buffer, Entry[]][] | null;
    return answer?.[0]?.[1] ?? [];
  }

  #handOver(entries: readonly Entry[]): void {
    const records: DeliveryRecord[] = [];
    let unknown = false;
    for (const [, fields] of entries) {
      const [name, value] = fields;
      if (name === undefined || value === undefined || name.toString() !== FIELD) continue;
      try {
        decodeRecords(value, records);
      } catch (error) {
        if (!(error instanceof UnknownDeliveryError)) throw error;
        unknown = true;
      }
    }
    this.#last = entries.at(-1)![0].toString();
    // From a version that knows more: its users pull instead.
    if (unknown) this.#onGap();
    if (records.length > 0) this.#onRecords(records);
  }

  async #create(): Promise<void> {
    const { key, entries_max, expiry_ms, renew_ms } = this.#settings;
    this.#last = (await this.#redis.eval(CREATE, 1, key, entries_max, expiry_ms)) as string;
    this.#renewAt = this.#runtime.monotonic() + renew_ms;
  }

  /** false: the stream was gone and is made anew. What was read goes, but for the last. */
  async #renew(): Promise<boolean> {
    const { key, expiry_ms, renew_ms } = this.#settings;
    const exists = await this.#redis.pexpire(key, expiry_ms);
    if (exists === 0) {
      await this.#create();
      return false;
    }
    await this.#redis.xtrim(key, 'MINID', this.#last);
    this.#renewAt = this.#runtime.monotonic() + renew_ms;
    return true;
  }

  /** Whether something may be lost. Usually not: the stream is there, and is read on from the last entry. */
  async #lookAfterFailure(): Promise<boolean> {
    const runId = await runIdOf(this.#redis);
    const restarted = runId !== this.#runId;
    const existed = await this.#renew();
    this.#runId = runId;
    return restarted || !existed;
  }

  async #isOurEntryTrimmed(): Promise<boolean> {
    const first = await this.#redis.eval(FIRST_ID, 1, this.#settings.key);
    return typeof first !== 'string' || isAfter(first, this.#last);
  }
}

/** Of an entry with records; the mark that makes a stream has another. */
export const FIELD = 'r';

/** Ids are `milliseconds-number`. */
function isAfter(a: string, b: string): boolean {
  const [a1, a2] = a.split('-').map(Number);
  const [b1, b2] = b.split('-').map(Number);
  return a1! > b1! || (a1 === b1 && a2! > b2!);
}
