// Everybody's own client: it connects at their first line and stays, so that the import is also what a server has in
// life, people who are sent to and who listen. Only the ones silent for longest are closed when there are too many.
import type { FanlogClient, SendProgress, SentMessage } from '../../client/node.ts';
import { SendRefused } from '../../client/node.ts';
import type { Cursor } from '../../protocol/frames.ts';
import { ImportFailed } from './bad-input.ts';
import type { DeliveryWatch } from './delivery-watch.ts';
import type { FrontDoor } from './front-door.ts';

/** Each is an open file here and in the server; 4,096 of them is the least limit that systems have for a process. */
const CLIENTS_MAX = 2_000;
/** Longer than any restart; the client sends again by itself all the while. */
const ANSWER_MS_MAX = 120_000;

interface Speaker {
  readonly client: FanlogClient;
  /** By message: called when the log has it, or when it is decided. */
  readonly waiting: Map<SentMessage, () => void>;
  /** Of whose messages no copy came yet, in order. */
  readonly undelivered: SentMessage[];
}

export interface SpeakersOptions {
  readonly door: FrontDoor;
  /** One name for all clients of this run. */
  readonly device: string;
  readonly clients_max?: number;
  /** Told what becomes of messages and connections. */
  readonly watch: DeliveryWatch;
  /** A client ended for good: the import cannot go on. */
  readonly onFailed: (error: ImportFailed) => void;
}

export class Speakers {
  readonly #options: SpeakersOptions;
  readonly #clients_max: number;
  /** The one silent for longest first. */
  readonly #speakers = new Map<string, Speaker>();
  /** Of closed clients: what they know they need not pull again. */
  readonly #cursors = new Map<string, Cursor>();

  constructor(options: SpeakersOptions) {
    this.#options = options;
    this.#clients_max = options.clients_max ?? CLIENTS_MAX;
  }

  /**
   * Sends, and resolves when the log has it or it is decided. @throws SendRefused when it cannot be sent at all,
   * ImportFailed when nobody answers.
   */
  async say(user: string, conversationId: string, text: string, contentType: string): Promise<SentMessage> {
    const { client, waiting, undelivered } = this.#speakerOf(user);
    const message = client.send(conversationId, text, contentType);
    undelivered.push(message);
    this.#options.watch.sent(message);
    if (message.stage !== 'queued') return message;
    await new Promise<void>((resolve, reject) => {
      const timer = this.#options.door.runtime.setTimer(ANSWER_MS_MAX, () => {
        reject(new ImportFailed(`No server took a message within ${ANSWER_MS_MAX / 1000} s.`));
      });
      waiting.set(message, () => {
        timer.cancel();
        resolve();
      });
    });
    return message;
  }

  close(): void {
    for (const speaker of this.#speakers.values()) this.#disconnect(speaker);
    this.#speakers.clear();
  }

  #speakerOf(user: string): Speaker {
    const speaker = this.#speakers.get(user) ?? this.#connect(user);
    this.#speakers.delete(user); // to the end: it spoke last
    this.#speakers.set(user, speaker);
    return speaker;
  }

  #connect(user: string): Speaker {
    if (this.#speakers.size >= this.#clients_max) this.#closeSilent();
    const { door, device, onFailed } = this.#options;
    const cursor = this.#cursors.get(user);
    const client = door.clientOf(user, device, cursor === undefined ? {} : { cursor });
    const waiting = new Map<SentMessage, () => void>();
    client.on('send', (progress) => onProgress(waiting, progress));
    client.on('error', ({ code, message }) => onFailed(new ImportFailed(`${user} was cut off (${code}): ${message}`)));
    const speaker = { client, waiting, undelivered: [] };
    this.#observe(user, speaker);
    void client.start();
    return speaker;
  }

  #observe(user: string, { client, undelivered }: Speaker): void {
    const { watch } = this.#options;
    const take = (isWanted: (message: SentMessage) => boolean) => {
      const index = undelivered.findIndex(isWanted);
      return index < 0 ? [] : undelivered.splice(index, 1);
    };
    client.on('entry', ({ event }) => {
      if (event.sender !== user || undelivered.length === 0) return;
      const [message] = take(({ clientMessageId }) => clientMessageId === event.clientMessageId);
      if (message !== undefined) watch.delivered(message);
    });
    client.on('send', ({ message, progress }) => {
      if (progress !== 'rejected' && progress !== 'perhaps_not_sent') return;
      take((other) => other === message);
      watch.forget(message);
    });
    client.on('state', ({ state, previous }) => {
      if (previous === 'live' && state === 'waiting') watch.disconnected(client);
      else if (state === 'connecting') watch.connecting(client);
      else if (state === 'live') watch.connected(client);
    });
  }

  #disconnect({ client, undelivered }: Speaker): void {
    const { watch } = this.#options;
    client.close();
    watch.closed(client);
    for (const message of undelivered) watch.forget(message);
  }

  #closeSilent(): void {
    for (const [user, speaker] of this.#speakers) {
      const { client } = speaker;
      if (client.outbox.length > 0) continue;
      if (client.cursor !== null) this.#cursors.set(user, client.cursor);
      this.#disconnect(speaker);
      this.#speakers.delete(user);
      return;
    }
  }
}

function onProgress(waiting: Map<SentMessage, () => void>, { message, progress }: SendProgress): void {
  if (progress === 'queued') return;
  waiting.get(message)?.();
  waiting.delete(message);
}

/** A text that no server takes is the file's fault, not a failure: it is counted as rejected. */
export function refusalCodeOf(error: unknown): string {
  if (error instanceof SendRefused) return error.code;
  throw error;
}
