// One message on its way, as the application sees it (SentMessage) and as the outbox keeps it.
import type { ErrorCode } from '../kernel/errors.ts';

export type SendResult =
  | { readonly result: 'sequenced'; readonly seq: number; readonly time: number }
  | { readonly result: 'rejected'; readonly code: ErrorCode; readonly message: string }
  /** It was given to the log, but so long ago that nobody knows what came of it. Look at the history. */
  | { readonly result: 'perhaps_not_sent' }
  /** The client was closed first. It is still in the storage, if there is one. */
  | { readonly result: 'closed' };

export type SendStage = 'queued' | 'accepted' | 'sequenced' | 'rejected' | 'perhaps_not_sent';

export interface SentMessage {
  /** Names it within this client object. */
  readonly localId: number;
  readonly conversationId: string;
  readonly contentType: string | undefined;
  readonly payload: string;
  /** Made at the first attempt, from the server's time: null until then. */
  readonly clientMessageId: string | null;
  readonly stage: SendStage;
  /** Never rejects. */
  readonly done: Promise<SendResult>;
}

export class OutboxMessage implements SentMessage {
  readonly localId: number;
  readonly conversationId: string;
  readonly contentType: string | undefined;
  readonly payload: string;
  clientMessageId: string | null;
  stage: SendStage = 'queued';
  /** The part of the frame that never changes, encoded once for all attempts. */
  readonly encoded: string;
  /** The log may hold a copy: it was accepted, or an attempt ended without a reply. */
  mayBeInLog: boolean;
  /** Monotonic; null while the latest attempt is unanswered, or there was none on this connection. */
  acceptedAt_ms: number | null = null;
  /** Neighbours in the outbox, and whether it is (still) in there. */
  previous: OutboxMessage | null = null;
  next: OutboxMessage | null = null;
  queued = false;

  #result: SendResult | null = null;
  #done: Promise<SendResult> | null = null;
  #resolve: ((result: SendResult) => void) | null = null;

  constructor(
    localId: number,
    conversationId: string,
    contentType: string | undefined,
    payload: string,
    clientMessageId: string | null = null,
  ) {
    this.localId = localId;
    this.conversationId = conversationId;
    this.contentType = contentType;
    this.payload = payload;
    this.clientMessageId = clientMessageId;
    this.mayBeInLog = clientMessageId !== null;
    const type = contentType === undefined ? '' : `,"contentType":${JSON.stringify(contentType)}`;
    this.encoded = `"conversationId":${JSON.stringify(conversationId)}${type},"payload":${JSON.stringify(payload)}`;
  }

  // Made when somebody asks: an importer sends millions and awaits none.
  get done(): Promise<SendResult> {
    if (this.#done === null) {
      const result = this.#result;
      this.#done =
        result !== null
          ? Promise.resolve(result)
          : new Promise((resolve) => {
              this.#resolve = resolve;
            });
    }
    return this.#done;
  }

  /** The first result stands; that an own copy came after all is told by the event `send`. */
  settle(result: SendResult): void {
    if (this.#result !== null) return;
    this.#result = result;
    this.#resolve?.(result);
  }
}
