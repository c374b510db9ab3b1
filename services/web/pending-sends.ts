// Messages written on this page that have not come back yet, in the order of writing. One leaves when its own copy is in
// the conversation, not when it is sequenced: so it is never gone for a moment, and never there twice.
import type { EventBody } from '../protocol/frames.ts';

/** What the SDK knows of a message; a part of its SentMessage. */
export interface SentLike {
  readonly localId: number;
  readonly conversationId: string;
  readonly contentType: string | undefined;
  readonly payload: string;
  readonly clientMessageId: string | null;
}

export type PendingState = 'queued' | 'accepted' | 'sequenced' | 'rejected' | 'perhaps_not_sent';

/** Nothing more happens with it by itself. */
export function isRefused(state: PendingState): boolean {
  return state === 'rejected' || state === 'perhaps_not_sent';
}

export interface PendingSend {
  readonly sent: SentLike;
  readonly state: PendingState;
  /** When it was written, in server time. */
  readonly time: number;
  /** With `rejected`, for people. */
  readonly reason?: string;
}

export class PendingSends {
  #list: readonly PendingSend[] = [];

  of(conversationId: string): readonly PendingSend[] {
    return this.#list.filter(({ sent }) => sent.conversationId === conversationId);
  }

  find(localId: number): PendingSend | undefined {
    return this.#list.find(({ sent }) => sent.localId === localId);
  }

  /** The SDK told how far a message is. `time` counts when it is the first that is heard of it. */
  progress(sent: SentLike, state: PendingState, time: number, reason?: string): void {
    const index = this.#list.findIndex((pending) => pending.sent.localId === sent.localId);
    const known = this.#list[index];
    // Its own copy came first, and the outcome after it: it is shown already.
    if (known === undefined && state === 'sequenced') return;
    const next: PendingSend = { sent, state, time: known?.time ?? time, ...(reason === undefined ? {} : { reason }) };
    this.#list = known === undefined ? [...this.#list, next] : this.#list.with(index, next);
  }

  /** An event of one's own arrived: what it is the copy of is not pending any more. */
  arrived({ clientMessageId, conversationId }: EventBody): void {
    if (this.#list.length === 0) return;
    this.#list = this.#list.filter(
      ({ sent }) => sent.clientMessageId !== clientMessageId || sent.conversationId !== conversationId,
    );
  }

  remove(localId: number): void {
    this.#list = this.#list.filter(({ sent }) => sent.localId !== localId);
  }

  /** A new client object: it numbers anew what is still unsent. What was refused stays to be seen. */
  restart(unsent: readonly SentLike[], time: number): void {
    const refused = this.#list.filter(({ state }) => isRefused(state));
    // Their local ids belonged to the client before; negative ones never meet those of the new one.
    const kept = refused.map((pending, index) => ({ ...pending, sent: { ...pending.sent, localId: -1 - index } }));
    this.#list = [...kept, ...unsent.map((sent) => ({ sent, state: 'queued', time }) as const)];
  }
}
