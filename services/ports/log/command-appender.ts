// The way of commands into the log, for edges and the api: what gathers while one append is in flight goes out as the next.
//
//   append() ──▶ queue (bounded in bytes) ──▶ ONE request in flight ──▶ onAccepted | onRefused, in the queue's order
//
// The promise about order: of one sender's commands, none is in the log unless every earlier one is, or was refused
// finally by the sender itself. So when one fails, what the sender has queued behind it is refused too (`out_of_turn`),
// and the sender starts again from the failed one.
//
// A request that hangs past its deadline is abandoned: its senders are told `log_unavailable`, the next one starts. The
// abandoned one may still land, later than what was appended after it. That harms no order: its senders could append
// nothing further without repeating it first, and of two records with one command id the fold decides the earlier.
import { TOPICS } from '../../events/topics.ts';
import { type Refusal, refusal } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Runtime, Timer } from '../../kernel/runtime.ts';
import type { AppendBatch, EventLog, NewRecord } from './event-log.ts';

/** Waiting commands. 25,000 of 300 bytes: a third of a second at the fastest rate a process was measured at. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** One request. Kafka takes batches of 1 MiB by default, and all of it may be for one partition. */
const REQUEST_BYTES_MAX = 512 * 1024;
/** What a queued command costs beside its bytes. */
const OVERHEAD_BYTES = 100;
const DEADLINE_MS = 5_000;
/** Abandoned requests that still hold their bytes. With more of them the log is down, and nothing new is tried. */
const ABANDONED_MAX = 4;

/** A command on its way. Exactly one of the two callbacks is called, once, never from inside `append`. */
export interface CommandToAppend extends NewRecord {
  readonly partition: number;
  /** Whose order is kept: a session; an object of its own for a command that stands alone. */
  readonly sender: object;
  /** The log has it. */
  onAccepted(): void;
  /** `log_unavailable`: it was not confirmed and may or may not be in the log. `out_of_turn`: an earlier one was not. */
  onRefused(refused: Refusal): void;
}

export interface CommandAppenderDeps {
  readonly log: EventLog;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly queue_bytes_max?: number;
  readonly deadline_ms?: number;
}

export class CommandAppender {
  readonly #deps: CommandAppenderDeps;
  readonly #queue_bytes_max: number;
  readonly #deadline_ms: number;
  #queue: CommandToAppend[] = [];
  #queue_bytes = 0;
  /** When each of the queue came, monotonic. */
  #queuedAt: number[] = [];
  #inFlight: readonly CommandToAppend[] | null = null;
  /** When each of those in flight had come. */
  #inFlightSince: readonly number[] = [];
  #abandoned = 0;
  #scheduled = false;
  #stopped = false;
  #deadline: Timer | null = null;
  #idleWaiters: (() => void)[] = [];

  constructor(deps: CommandAppenderDeps) {
    this.#deps = deps;
    this.#queue_bytes_max = deps.queue_bytes_max ?? QUEUE_BYTES_MAX;
    this.#deadline_ms = deps.deadline_ms ?? DEADLINE_MS;
  }

  /** null: it is queued and one of its callbacks will be called. Otherwise why it was not, and none will. */
  append(command: CommandToAppend): Refusal | null {
    if (this.#stopped) return refusal('draining');
    const bytes = sizeOf(command);
    if (this.#queue_bytes + bytes > this.#queue_bytes_max) return refusal('overloaded');
    this.#queue.push(command);
    this.#queuedAt.push(this.#deps.runtime.monotonic());
    this.#queue_bytes += bytes;
    this.#schedule();
    return null;
  }

  /** False while appends hang: the log is not confirming. */
  healthy(): boolean {
    return this.#abandoned === 0;
  }

  /** Resolves when every command taken so far was answered. The deadline bounds the wait. */
  idle(): Promise<void> {
    if (this.#inFlight === null && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Takes nothing more. What was taken is still answered. */
  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== null) return;
    this.#scheduled = true;
    // Not at once: what is sent in the same turn of the event loop goes together.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#startRequest();
    });
  }

  #startRequest(): void {
    if (this.#inFlight !== null) return;
    if (this.#queue.length === 0) {
      this.#reportIdle();
      return;
    }
    if (this.#abandoned >= ABANDONED_MAX) {
      // Blocked until one of them settles; the deadline refuses what waits.
      this.#deadline ??= this.#setDeadline();
      return;
    }
    this.#deadline?.cancel();
    this.#deadline = this.#setDeadline();
    const commands = this.#takeRequest();
    this.#inFlight = commands;
    this.#append(commands).then(
      () => this.#onSettled(commands, null),
      (error: unknown) => this.#onSettled(commands, error),
    );
  }

  async #append(commands: readonly CommandToAppend[]): Promise<void> {
    await this.#deps.log.append(TOPICS.messages, batchesOf(commands));
  }

  /** The oldest of the queue, in order: as many as fit in one request, at least one. */
  #takeRequest(): CommandToAppend[] {
    let bytes = 0;
    let count = 0;
    for (const command of this.#queue) {
      const next = sizeOf(command);
      if (count > 0 && bytes + next > REQUEST_BYTES_MAX) break;
      bytes += next;
      count++;
    }
    this.#queue_bytes -= bytes;
    if (count < this.#queue.length) {
      this.#inFlightSince = this.#queuedAt.splice(0, count);
      return this.#queue.splice(0, count);
    }
    const all = this.#queue;
    this.#inFlightSince = this.#queuedAt;
    this.#queue = [];
    this.#queuedAt = [];
    return all;
  }

  #onSettled(commands: readonly CommandToAppend[], error: unknown): void {
    if (this.#inFlight !== commands) {
      // It was abandoned, its senders were answered.
      this.#abandoned--;
      this.#schedule();
      return;
    }
    this.#deadline?.cancel();
    this.#deadline = null;
    this.#inFlight = null;
    if (error === null) this.#countAccepted();
    if (error === null) for (const command of commands) command.onAccepted();
    else this.#fail(commands, error instanceof Error ? error.message : String(error));
    this.#startRequest();
  }

  #countAccepted(): void {
    const { metrics, runtime } = this.#deps;
    const latency = metrics.latency('append');
    const now = runtime.monotonic();
    for (const since of this.#inFlightSince) latency.observe(now - since);
    metrics.add('accepted', this.#inFlightSince.length);
  }

  #setDeadline(): Timer {
    return this.#deps.runtime.setTimer(this.#deadline_ms, () => this.#onDeadline());
  }

  #onDeadline(): void {
    this.#deadline = null;
    const hanging = this.#inFlight;
    if (hanging !== null) {
      this.#inFlight = null;
      this.#abandoned++;
      this.#fail(hanging, `no answer in ${this.#deadline_ms} ms`);
    } else {
      const waiting = this.#queue;
      this.#queue = [];
      this.#queuedAt = [];
      this.#queue_bytes = 0;
      this.#fail(waiting, 'earlier appends hang');
    }
    this.#startRequest();
  }

  /** Refuses commands that were not confirmed, and everything their senders have queued behind them. */
  #fail(commands: readonly CommandToAppend[], reason: string): void {
    const { logger, metrics } = this.#deps;
    metrics.add('append_failed');
    logger.warn('an append was not confirmed', { commands: commands.length, reason });
    const senders = new Set<object>();
    for (const { sender } of commands) senders.add(sender);
    const behind = this.#removeQueued(senders);
    for (const command of commands) command.onRefused(refusal('log_unavailable'));
    for (const command of behind) command.onRefused(refusal('out_of_turn'));
  }

  #removeQueued(senders: ReadonlySet<object>): CommandToAppend[] {
    const removed: CommandToAppend[] = [];
    const kept: CommandToAppend[] = [];
    const keptSince: number[] = [];
    for (const [i, command] of this.#queue.entries()) {
      if (!senders.has(command.sender)) {
        kept.push(command);
        keptSince.push(this.#queuedAt[i]!);
        continue;
      }
      removed.push(command);
      this.#queue_bytes -= sizeOf(command);
    }
    this.#queue = kept;
    this.#queuedAt = keptSince;
    return removed;
  }

  #reportIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function sizeOf(command: CommandToAppend): number {
  return command.value.length + command.key.length + OVERHEAD_BYTES;
}

function batchesOf(commands: readonly CommandToAppend[]): AppendBatch[] {
  const byPartition = new Map<number, CommandToAppend[]>();
  for (const command of commands) {
    const records = byPartition.get(command.partition);
    if (records === undefined) byPartition.set(command.partition, [command]);
    else records.push(command);
  }
  return [...byPartition].map(([partition, records]) => ({ partition, records }));
}
