// Pages of history: one request each, in the order asked, under the rate of frames that the server allows.
import type { Runtime, Timer } from '../kernel/runtime.ts';
import type { HistoryRange, HistoryResult } from './client-events.ts';
import type { Connection } from './connection.ts';
import type { FrameBudget } from './frame-budget.ts';

interface Question {
  readonly conversationId: string;
  readonly range: HistoryRange;
  readonly resolve: (result: HistoryResult) => void;
}

export class HistoryAsker {
  readonly #runtime: Runtime;
  /** A reply is owed from now on. */
  readonly #onAsked: () => void;
  #connection: Connection | null = null;
  #budget: FrameBudget | null = null;
  /** In the order asked; the first one goes out when the timer fires, if there is a frame for it then. */
  readonly #waiting: Question[] = [];
  #timer: Timer | null = null;
  /** By request id, in the order sent. */
  readonly #sent = new Map<number, { readonly resolve: Question['resolve']; readonly sentAt_ms: number }>();

  constructor(runtime: Runtime, onAsked: () => void) {
    this.#runtime = runtime;
    this.#onAsked = onAsked;
  }

  connected(connection: Connection, budget: FrameBudget): void {
    this.#connection = connection;
    this.#budget = budget;
  }

  disconnected(): void {
    this.#connection = null;
    this.#budget = null;
    this.#timer?.cancel();
    this.#timer = null;
    for (const { resolve } of [...this.#sent.values(), ...this.#waiting.splice(0)]) resolve(notConnected);
    this.#sent.clear();
  }

  /** When the page was asked for that is owed longest; null when none is. */
  oldestSentAt_ms(): number | null {
    for (const { sentAt_ms } of this.#sent.values()) return sentAt_ms;
    return null;
  }

  ask(conversationId: string, range: HistoryRange): Promise<HistoryResult> {
    if (this.#connection === null) return Promise.resolve(notConnected);
    return new Promise((resolve) => {
      this.#waiting.push({ conversationId, range, resolve });
      if (this.#timer === null) this.#sendNext();
    });
  }

  /** False when no page was asked for under this id. */
  onReply(id: number, result: HistoryResult): boolean {
    const sent = this.#sent.get(id);
    if (sent === undefined) return false;
    this.#sent.delete(id);
    sent.resolve(result);
    return true;
  }

  #sendNext(): void {
    while (this.#waiting.length > 0) {
      const wait_ms = this.#budget!.take('history');
      if (wait_ms > 0) {
        this.#timer = this.#runtime.setTimer(wait_ms, () => {
          this.#timer = null;
          this.#sendNext();
        });
        return;
      }
      this.#send(this.#waiting.shift()!);
    }
  }

  #send({ conversationId, range, resolve }: Question): void {
    const id = this.#connection!.nextId();
    this.#sent.set(id, { resolve, sentAt_ms: this.#runtime.monotonic() });
    this.#connection!.send(JSON.stringify({ id, type: 'history', conversationId, ...range }));
    this.#onAsked();
  }
}

const notConnected: HistoryResult = {
  result: 'refused',
  code: 'not_connected',
  message: 'There is no connection. Ask again once the state is live.',
  retry: true,
};
