// One user's connection: hello, numbered sends, and a check of everything that comes. It holds one cursor as the protocol
// asks: a push at or below it is ignored, the next one applied, anything above means a pull. It takes part in one
// conversation, in which one user sends.
import { type EntriesReply, type EventBody, type ServerFrame, SUBPROTOCOL } from '../../services/protocol/frames.ts';
import { FIELDS, scanAccepted, scanOutcome, scanPush } from './scan-frame.ts';
import type { Traffic } from './traffic.ts';
import { WebSocketClient } from './web-socket.ts';

/** Every so many pushes one is parsed as a whole, its text compared. */
const FULL_CHECK_EVERY = 128;
const PULL_AGAIN_MS = 20;
/** Ids of requests that are no sends begin here; a send's id is its number. */
const OTHER_REQUESTS_FROM = 2 ** 40;

export interface ChatConnectionOptions {
  readonly url: string;
  readonly user: string;
  readonly token: string;
  readonly traffic: Traffic;
  /** Something that ends the run: a closed connection, a refused send. */
  readonly onFailure: (error: Error) => void;
}

export class ChatConnection {
  readonly user: string;
  readonly #options: ChatConnectionOptions;
  readonly #traffic: Traffic;
  #socket!: WebSocketClient;
  #welcomed: (() => void) | null = null;
  #clockOffset_ms = 0;
  #requests = OTHER_REQUESTS_FROM;
  #epoch = 0;
  #cursor = 0;
  #pulling = false;
  #pushes = 0;
  /** Of this connection's own messages; -1 when it sends none. */
  #sender = -1;
  #conversation: { readonly id: string; readonly bytes: Buffer; readonly before: number } | null = null;
  #lastSeq = 0;
  heartbeat_ms = 0;

  private constructor(options: ChatConnectionOptions) {
    this.#options = options;
    this.#traffic = options.traffic;
    this.user = options.user;
  }

  /** Resolves after the welcome. */
  static async open(options: ChatConnectionOptions): Promise<ChatConnection> {
    const connection = new ChatConnection(options);
    const { url, user, token, onFailure } = options;
    connection.#socket = await WebSocketClient.connect(url, SUBPROTOCOL, {
      onFrame: (bytes, start, end) => connection.#onFrame(bytes, start, end),
      onClose: (reason) => onFailure(new Error(`the connection of ${user} ended: ${reason}`)),
    });
    const welcomed = new Promise<void>((resolve) => {
      connection.#welcomed = resolve;
    });
    connection.#request({ type: 'hello', token, device: 'bench', platform: 'bench' });
    await welcomed;
    return connection;
  }

  /** The conversation it takes part in; `before`: its last seq so far. */
  join(conversationId: string, before: number): void {
    this.#conversation = { id: conversationId, bytes: Buffer.from(conversationId, 'latin1'), before };
    this.#lastSeq = before;
  }

  becomeSender(sender: number): void {
    this.#sender = sender;
  }

  /** `sentAt`: what its latency counts from; with an open loop, when it should have been sent. */
  send(sentAt: number): void {
    const traffic = this.#traffic;
    const number = traffic.onSend(this.#sender, sentAt);
    const id = traffic.ids.make(Date.now() + this.#clockOffset_ms, this.#sender, number);
    this.#socket.sendAscii(
      `{"id":${number},"type":"send","number":${number},"conversationId":"${this.#conversation!.id}",` +
        `"clientMessageId":"${id}","payload":"${traffic.payloadOf(number)}"}`,
    );
  }

  sendHeartbeat(): void {
    this.#request({ type: 'heartbeat' });
  }

  /** Where it is in its inbox. */
  get cursor(): number {
    return this.#cursor;
  }

  close(): void {
    this.#socket.close();
  }

  #request(fields: object): void {
    this.#socket.sendAscii(JSON.stringify({ id: this.#requests++, ...fields }));
  }

  #onFrame(bytes: Uint8Array, start: number, end: number): void {
    try {
      if (scanPush(bytes, start, end)) this.#onScannedPush(bytes, start, end);
      else if (scanAccepted(bytes, start, end)) this.#traffic.onAccepted(this.#sender, FIELDS.seq, performance.now());
      else if (scanOutcome(bytes, start, end)) this.#onScannedOutcome(bytes);
      else this.#onOtherFrame(JSON.parse(textOf(bytes, start, end)));
    } catch (error) {
      this.#options.onFailure(error as Error);
    }
  }

  #onScannedPush(bytes: Uint8Array, start: number, end: number): void {
    const { inboxSeq, seq, id_at } = FIELDS;
    const { ids } = this.#traffic;
    // Of another conversation, or no message of this run.
    if (!this.#isMine(bytes) || !ids.isOurs(bytes, id_at) || ++this.#pushes % FULL_CHECK_EVERY === 0) {
      this.#onOtherFrame(JSON.parse(textOf(bytes, start, end)));
    } else if (this.#advance(inboxSeq)) {
      this.#onMessage(ids.senderOf(bytes, id_at), ids.numberOf(bytes, id_at), seq);
    }
  }

  #onScannedOutcome(bytes: Uint8Array): void {
    const { seq, id_at } = FIELDS;
    const { ids, faults } = this.#traffic;
    const number = ids.numberOf(bytes, id_at);
    if (!this.#isMine(bytes) || seq !== number + this.#conversation!.before) faults.wrong++;
    this.#traffic.onSequenced(ids.senderOf(bytes, id_at), number);
  }

  #isMine(bytes: Uint8Array): boolean {
    const expected = this.#conversation?.bytes;
    const { conversation_at, conversation_end } = FIELDS;
    if (expected === undefined || conversation_end - conversation_at !== expected.length) return false;
    for (let i = 0; i < expected.length; i++) if (bytes[conversation_at + i] !== expected[i]) return false;
    return true;
  }

  #onOtherFrame(frame: ServerFrame): void {
    switch (frame.type) {
      case 'push':
        if (this.#advance(frame.inboxSeq)) this.#onEvent(frame.event);
        break;
      case 'welcome':
        this.#epoch = frame.epoch;
        this.#cursor = frame.head;
        this.heartbeat_ms = frame.heartbeat_ms;
        this.#clockOffset_ms = frame.serverTime - Date.now();
        this.#welcomed?.();
        break;
      case 'entries':
        this.#onEntries(frame);
        break;
      case 'behind':
        this.#traffic.notes.behind++;
        this.#pull();
        break;
      case 'heartbeat':
        this.#clockOffset_ms = frame.serverTime - Date.now();
        break;
      default:
        // A refusal that a client would live through (it sends again); under these loads it is a finding.
        throw new Error(`${this.user} was told ${JSON.stringify(frame)}`);
    }
  }

  /** Whether the entry at `inboxSeq` is the next one. */
  #advance(inboxSeq: number): boolean {
    if (inboxSeq === this.#cursor + 1) {
      this.#cursor = inboxSeq;
      return true;
    }
    if (inboxSeq <= this.#cursor) this.#traffic.notes.repeatedPushes++;
    else this.#pull();
    return false;
  }

  #pull(): void {
    if (this.#pulling) return;
    this.#pulling = true;
    this.#request({ type: 'sync', cursor: { epoch: this.#epoch, inboxSeq: this.#cursor } });
  }

  #onEntries({ entries, status }: EntriesReply): void {
    for (const { inboxSeq, event } of entries) {
      if (inboxSeq <= this.#cursor) continue;
      if (inboxSeq !== this.#cursor + 1) throw new Error(`${this.user} pulled a page with a hole`);
      this.#cursor = inboxSeq;
      this.#traffic.notes.pulled++;
      this.#onEvent(event);
    }
    this.#pulling = false;
    if (status === 'more') this.#pull();
    else if (status === 'wait') setTimeout(() => this.#pull(), PULL_AGAIN_MS);
  }

  #onEvent(event: EventBody): void {
    const { ids, faults } = this.#traffic;
    const id = Buffer.from(event.clientMessageId, 'latin1');
    if (event.kind !== 'message' || !ids.isOurs(id, 0) || event.conversationId !== this.#conversation?.id) return;
    const number = ids.numberOf(id, 0);
    if (event.payload !== this.#traffic.payloadOf(number)) faults.wrong++;
    this.#onMessage(ids.senderOf(id, 0), number, event.seq);
  }

  #onMessage(sender: number, number: number, seq: number): void {
    // One sender: the conversation's order is the order of the numbers.
    if (seq !== this.#lastSeq + 1 || seq !== number + this.#conversation!.before) this.#traffic.faults.outOfOrder++;
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    this.#traffic.onCopy(sender, number, sender === this.#sender, performance.now());
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
