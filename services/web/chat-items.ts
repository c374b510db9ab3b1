// From events and pending messages to what stands in the chat, top to bottom: days, quiet lines, bubbles in groups.
import type { EventBody } from '../protocol/frames.ts';
import { dayLabel, dayOf } from './calendar.ts';
import { isText, membershipText, messageText } from './event-text.ts';
import type { PendingSend, PendingState } from './pending-sends.ts';

export interface Bubble {
  readonly type: 'bubble';
  readonly key: string;
  readonly sender: string;
  readonly isMine: boolean;
  readonly text: string;
  /** Not a content type that this page can show. */
  readonly isUnsupported: boolean;
  readonly time: number;
  readonly isFirstOfGroup: boolean;
  readonly isLastOfGroup: boolean;
  /** Null for a message of someone else. */
  readonly state: PendingState | null;
  readonly reason?: string;
  /** Set while it is pending: what to retry. */
  readonly localId?: number;
  /** Null while it is pending. */
  readonly seq: number | null;
}

export type ChatItem =
  /** From here on it was not read when the conversation was opened. */
  | { readonly type: 'unread'; readonly key: 'unread' }
  | { readonly type: 'day'; readonly key: string; readonly text: string }
  | { readonly type: 'line'; readonly key: string; readonly text: string; readonly time: number }
  | Bubble;

/** Messages of one sender that follow each other within this are one group. */
const GROUP_MS = 5 * 60_000;

type Draft = Omit<Bubble, 'isFirstOfGroup' | 'isLastOfGroup'>;
type Line = Extract<ChatItem, { type: 'line' }>;

/** `unreadAfter`: the ordinal that was read when the conversation was opened, if it was not all; null for no mark. */
export function chatItems(
  events: readonly EventBody[],
  pending: readonly PendingSend[],
  me: string,
  now: number,
  unreadAfter: number | null = null,
): ChatItem[] {
  const firstUnread = firstUnreadIndex(events, me, unreadAfter);
  const drafts: (Draft | Line)[] = events.map((event) => draftOf(event, me));
  const newest = events.at(-1)?.time ?? 0;
  // A pending message stands below what is decided, so it must not seem older.
  for (const send of pending) drafts.push(pendingDraft(send, me, Math.max(send.time, newest)));
  const items: ChatItem[] = [];
  for (const [index, draft] of drafts.entries()) {
    const previous = drafts[index - 1];
    if (previous === undefined || dayOf(previous.time) !== dayOf(draft.time)) {
      const text = dayLabel(draft.time, now);
      items.push({ type: 'day', key: `day ${dayOf(draft.time)}`, text });
    }
    if (index === firstUnread) items.push({ type: 'unread', key: 'unread' });
    items.push(draft.type === 'line' ? draft : grouped(previous, draft, drafts[index + 1]));
  }
  return items;
}

// Only if what was read is there too: else it would stand wherever the loaded part happens to begin.
function firstUnreadIndex(events: readonly EventBody[], me: string, unreadAfter: number | null): number {
  if (unreadAfter === null || (events[0]?.ordinal ?? 0) > unreadAfter + 1) return -1;
  return events.findIndex(({ kind, ordinal, sender }) => kind === 'message' && ordinal > unreadAfter && sender !== me);
}

function grouped(previous: Draft | Line | undefined, draft: Draft, next: Draft | Line | undefined): Bubble {
  return { ...draft, isFirstOfGroup: !belongs(previous, draft), isLastOfGroup: !belongs(draft, next) };
}

function belongs(first: Draft | Line | undefined, second: Draft | Line | undefined): boolean {
  if (first?.type !== 'bubble' || second?.type !== 'bubble' || first.sender !== second.sender) return false;
  return second.time - first.time <= GROUP_MS && dayOf(first.time) === dayOf(second.time);
}

function draftOf(event: EventBody, me: string): Draft | Line {
  const { seq, sender, time } = event;
  const key = `seq ${seq}`;
  if (event.kind !== 'message') return { type: 'line', key, text: membershipText(event, me), time };
  const { contentType, payload } = event;
  const isMine = sender === me;
  const text = messageText(contentType, payload);
  const state = isMine ? 'sequenced' : null;
  return { type: 'bubble', key, sender, isMine, text, isUnsupported: !isText(contentType), time, state, seq };
}

function pendingDraft({ sent, state, reason }: PendingSend, me: string, time: number): Draft {
  const { localId, contentType, payload } = sent;
  return {
    type: 'bubble',
    key: `pending ${localId}`,
    sender: me,
    isMine: true,
    text: messageText(contentType, payload),
    isUnsupported: !isText(contentType),
    time,
    state,
    ...(reason === undefined ? {} : { reason }),
    localId,
    seq: null,
  };
}
