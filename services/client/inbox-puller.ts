// The one cursor, and when to pull. Every inbox entry passes here once, in order, whether it was pushed or pulled.
//
//   push at or below the cursor: known        cursor + 1: applied        above: something is missing, pull
//
// One page is asked for at a time. Pushes go on meanwhile: the next one is applied, those above it are evidence that
// there is more, and a pull is only over when the cursor has reached all evidence.
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { Cursor, EntriesReply, InboxEntry } from '../protocol/frames.ts';
import { type BackoffLimits, backoff_ms } from './backoff.ts';

export interface PullerPort {
  /** Sends a sync request and returns 0, or sends nothing and returns for how long the rate does not allow it. */
  askPage(cursor: Cursor): number;
  apply(entry: InboxEntry): void;
  /** Another numbering is in force: what was shown before is void, entries come again from 1. */
  reset(epoch: number): void;
  /** The pull has reached the end and all evidence. */
  caughtUp(): void;
}

export class InboxPuller {
  readonly #runtime: Runtime;
  readonly #backoff: BackoffLimits;
  readonly #port: PullerPort;
  #epoch: number | null;
  #inboxSeq: number;
  /** The greatest inboxSeq that anything spoke of. */
  #evidence: number;
  #isConnected = false;
  #step: 'idle' | 'asked' | 'pausing' = 'idle';
  /** `behind` came while a page was on its way, which may have been read before. */
  #again = false;
  #attempt = 0;
  #timer: Timer | null = null;

  constructor(runtime: Runtime, backoff: BackoffLimits, cursor: Cursor | null, port: PullerPort) {
    this.#runtime = runtime;
    this.#backoff = backoff;
    this.#port = port;
    this.#epoch = cursor === null ? null : cursor.epoch;
    this.#inboxSeq = cursor === null ? 0 : cursor.inboxSeq;
    this.#evidence = this.#inboxSeq;
  }

  get cursor(): Cursor | null {
    return this.#epoch === null ? null : { epoch: this.#epoch, inboxSeq: this.#inboxSeq };
  }

  get pulling(): boolean {
    return this.#step !== 'idle';
  }

  /** It got no further at its last try: a hole, or a store that does not answer. */
  get stuck(): boolean {
    return this.#attempt > 0;
  }

  /** Only before `connected`. */
  restore(cursor: Cursor | null): void {
    this.#epoch = cursor === null ? null : cursor.epoch;
    this.#inboxSeq = cursor === null ? 0 : cursor.inboxSeq;
    this.#evidence = this.#inboxSeq;
  }

  /** From `welcome`. Always pulls: entries written while this connection was being registered were pushed to nobody. */
  connected(epoch: number, head: number): void {
    this.#isConnected = true;
    if (!this.#adopt(epoch)) return;
    this.#evidence = Math.max(this.#inboxSeq, head);
    this.pull();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#timer?.cancel();
    this.#timer = null;
    this.#step = 'idle';
    this.#again = false;
    this.#attempt = 0;
  }

  onPush(entry: InboxEntry): void {
    const { inboxSeq } = entry;
    if (inboxSeq <= this.#inboxSeq) return;
    if (inboxSeq > this.#evidence) this.#evidence = inboxSeq;
    if (inboxSeq === this.#inboxSeq + 1) {
      this.#inboxSeq = inboxSeq;
      this.#port.apply(entry);
    } else if (this.#step === 'idle') this.#ask();
  }

  /** A head, from a heartbeat. */
  onHead(head: number): void {
    if (head > this.#evidence) this.#evidence = head;
    if (head > this.#inboxSeq && this.#step === 'idle') this.#ask();
  }

  /** Something may have been missed. */
  pull(): void {
    if (this.#step === 'idle') this.#ask();
    else this.#again = true;
  }

  onPage(reply: EntriesReply): void {
    if (this.#step !== 'asked') return;
    this.#step = 'idle';
    if (reply.epoch !== this.#epoch) {
      if (this.#adopt(reply.epoch)) this.#ask();
      return;
    }
    const before = this.#inboxSeq;
    const isDense = this.#applyAll(reply.entries);
    if (!this.#isConnected) return; // closed, by a listener
    if (this.#inboxSeq > before) this.#attempt = 0;
    if (!isDense || reply.status === 'wait') this.#pause();
    else if (reply.status === 'more') this.#continue(this.#inboxSeq > before);
    else this.#end();
  }

  /** The sync was refused. */
  onRefused(epoch: number | undefined): void {
    if (this.#step !== 'asked') return;
    this.#step = 'idle';
    if (epoch === undefined || epoch === this.#epoch) {
      this.#pause();
    } else if (this.#adopt(epoch)) {
      this.#ask();
    }
  }

  #applyAll(entries: readonly InboxEntry[]): boolean {
    for (let i = 0; i < entries.length && this.#isConnected; i++) {
      const entry = entries[i]!;
      if (entry.inboxSeq <= this.#inboxSeq) continue; // pushed while the page was on its way
      if (entry.inboxSeq !== this.#inboxSeq + 1) return false;
      this.#inboxSeq = entry.inboxSeq;
      this.#port.apply(entry);
    }
    return true;
  }

  #continue(gotFurther: boolean): void {
    // `more` without anything new would be asked again for ever.
    if (gotFurther) this.#ask();
    else this.#pause();
  }

  #end(): void {
    if (this.#again) {
      this.#again = false;
      this.#ask();
    } else if (this.#evidence > this.#inboxSeq) {
      this.#pause();
    } else {
      this.#attempt = 0;
      this.#port.caughtUp();
    }
  }

  /** False when a listener has closed the client. */
  #adopt(epoch: number): boolean {
    const known = this.#epoch;
    if (known === epoch) return true;
    this.#epoch = epoch;
    this.#inboxSeq = 0;
    this.#evidence = 0;
    if (known !== null) this.#port.reset(epoch);
    return this.#isConnected;
  }

  #ask(): void {
    this.#step = 'asked';
    this.#again = false;
    const wait_ms = this.#port.askPage(this.cursor!);
    if (wait_ms > 0) this.#askIn(wait_ms);
  }

  #pause(): void {
    this.#askIn(backoff_ms(this.#runtime, this.#backoff, this.#attempt++));
  }

  #askIn(delay_ms: number): void {
    this.#step = 'pausing';
    this.#timer = this.#runtime.setTimer(delay_ms, () => {
      this.#timer = null;
      this.#ask();
    });
  }
}
