// A data folder with a log of our making: several kinds of events, texts that are hard to write down, and stretches that
// stand there twice, as a fanout leaves them that was killed between an append and its checkpoint.
import { createHash } from 'node:crypto';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import { partitionOf } from '../../../services/events/partition.ts';
import { positionOf } from '../../../services/events/position.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import { EMBEDDED_LAYOUT } from '../../../services/events/topics.ts';
import { openDataFolder } from '../../../services/kernel/data-folder.ts';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import { LmdbEventLog } from '../../../services/ports/log/embedded/lmdb-event-log.ts';
import { openEnvironment } from '../../../services/ports/log/embedded/open-environment.ts';
import type { EventLog, NewRecord } from '../../../services/ports/log/event-log.ts';

const PARTITIONS = EMBEDDED_LAYOUT.partitions.timeline;
const BEGIN_MS = Date.UTC(2026, 0, 1);
const TEXTS = ['', 'Grüße 💬', 'a\u0000b\n"c"', '\ufeffbegins with a mark', 'x'.repeat(300), 'שלום'];

/** Runs `use` on the log of the folder, as its owner. */
export async function withLog<T>(data: string, use: (log: LmdbEventLog) => Promise<T>): Promise<T> {
  const folder = openDataFolder(data);
  const environment = openEnvironment(folder.path);
  const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
  try {
    return await use(log);
  } finally {
    await log.close();
    await environment.close();
    folder.close();
  }
}

/** Goes on with the conversations where a log before it stopped, if it is told which. */
export class EventMaker {
  readonly #conversations: readonly string[];
  readonly #heads = new Map<string, { seq: number; ordinal: number }>();
  /** By partition of `messages`. */
  readonly #offsets: number[];
  #made = 0;

  constructor(conversations: number, partitions: number = PARTITIONS) {
    this.#offsets = new Array<number>(partitions).fill(0);
    this.#conversations = Array.from({ length: conversations }, (_, i) =>
      i % 2 === 0 ? directConversationId(`user ${i}`, 'Zoë 🦊') : `g:${i.toString(16).padStart(32, '0')}`,
    );
  }

  next(): TimelineEvent {
    const number = this.#made++;
    const conversationId = this.#conversations[number % this.#conversations.length]!;
    const partition = partitionOf(conversationId, this.#offsets.length);
    const head = this.#heads.get(conversationId) ?? { seq: 0, ordinal: 0 };
    const seq = head.seq + 1;
    const isGroup = conversationId.startsWith('g:');
    const kind = isGroup && seq === 1 ? 0 : isGroup && seq % 10 === 2 ? 1 + (Math.floor(seq / 10) % 3) : 4;
    const ordinal = head.ordinal + (kind === 4 ? 1 : 0);
    this.#heads.set(conversationId, { seq, ordinal });
    // Commands that decided nothing stand between.
    const offset = this.#offsets[partition]! + 1 + (number % 3);
    this.#offsets[partition] = offset;
    const base = {
      conversationId,
      seq,
      ordinal,
      sender: isGroup ? 'ann' : 'Zoë 🦊',
      commandId: `019b76d0-${(number & 0xffff).toString(16).padStart(4, '0')}-7000-8000-${number.toString(16).padStart(12, '0')}`,
      time: BEGIN_MS + number * 1_000,
      position: positionOf(1, offset),
    };
    switch (kind) {
      case 0:
        return { ...base, type: 'ConversationCreated', title: 'A “title”', memberLimit: 500, members: ['ann', 'bob'] };
      case 1:
        return { ...base, type: 'MembersAdded', members: [`user ${number}`, 'Ünïcode'] };
      case 2:
        return { ...base, type: 'MemberRemoved', member: 'bob' };
      case 3:
        return { ...base, type: 'MemberLeft', successor: number % 2 === 0 ? null : 'bob' };
      default:
        return { ...base, type: 'MessageSent', ...contentOf(number) };
    }
  }
}

function contentOf(number: number): { contentType: string; keyId: string | null; payload: Uint8Array } {
  // What no compression makes small, so that a log of some megabytes is several files.
  const noise = createHash('sha512').update(String(number)).digest('base64');
  const text = Buffer.from(`${TEXTS[number % TEXTS.length]} ${number} ${noise}`);
  if (number % 17 === 0)
    return { contentType: 'application/octet-stream', keyId: null, payload: Buffer.of(0, 255, 128) };
  if (number % 19 === 0) return { contentType: 'text/plain; charset=utf-8', keyId: 'key-1', payload: text };
  if (number % 23 === 0) return { contentType: 'text/plain', keyId: null, payload: Buffer.of(0xc3, 0x28) }; // no UTF-8
  return { contentType: 'text/plain; charset=utf-8', keyId: null, payload: text };
}

const BATCH_EVENTS = 500;
const REPEATED = 40;

/** Appends events, and after each batch some of its end again. Returns how many are repeats. */
export async function appendEvents(log: EventLog, maker: EventMaker, count: number): Promise<number> {
  let repeats = 0;
  for (let done = 0; done < count; ) {
    const partitions = Array.from({ length: log.layout.partitions.timeline }, (): NewRecord[] => []);
    for (let i = 0; i < BATCH_EVENTS && done < count; i++, done++) {
      const event = maker.next();
      const record = { key: event.conversationId, value: encodeTimelineEvent(event) };
      partitions[partitionOf(event.conversationId, partitions.length)]!.push(record);
    }
    const repeated = partitions.map((records) => records.slice(-REPEATED));
    for (const records of repeated) repeats += records.length;
    for (const batch of [partitions, repeated]) {
      const batches = batch.map((records, partition) => ({ partition, records }));
      await log.append(
        'timeline',
        batches.filter(({ records }) => records.length > 0),
      );
    }
  }
  return repeats;
}
