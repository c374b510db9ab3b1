// Answers sync and history from the store.
import { decodeTimelineEvent } from '../events/codec.ts';
import type { Refusal } from '../kernel/errors.ts';
import type { Limits } from '../kernel/limits.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import { eventBodyOf } from '../protocol/event-body.ts';
import type { EntriesReply, EventsReply, HistoryRequest, InboxEntry, SyncRequest } from '../protocol/frames.ts';
import { pullInbox, readHistory } from '../reading/index.ts';

/**
 * Event bytes of one page, unless its first event alone is larger; a page that is cut says `more`. It bounds what a
 * small request costs (1 ms) and what a slow reader makes us buffer.
 */
const PAGE_BYTES_MAX = 256 * 1024;

export type ReadRequest = SyncRequest | HistoryRequest;

/** Rows and epoch of one set of tables, for the whole request. */
export interface ReadContext {
  readonly store: StateStore;
  readonly limits: Limits;
  readonly epoch: number;
}

/** @throws StoreError */
export async function serveSync(context: ReadContext, user: string, request: SyncRequest): Promise<EntriesReply> {
  const { store, limits, epoch } = context;
  const { id, cursor } = request;
  const page = await pullInbox(store, user, cursor.inboxSeq, request.limit ?? limits.page_entries_max);
  const kept = countWithin(page.entries.map(({ event }) => event));
  const entries: InboxEntry[] = page.entries
    .slice(0, kept)
    .map(({ inboxSeq, event }) => ({ inboxSeq, event: eventBodyOf(decodeTimelineEvent(event)) }));
  return { id, type: 'entries', epoch, entries, status: kept < page.entries.length ? 'more' : page.status };
}

/** @throws StoreError */
export async function serveHistory(
  context: ReadContext,
  user: string,
  request: HistoryRequest,
): Promise<EventsReply | Refusal> {
  const { store, limits } = context;
  const { id, conversationId, before, after } = request;
  const limit = request.limit ?? limits.page_entries_max;
  const page = await readHistory(store, conversationId, user, { before, after, limit });
  if ('code' in page) return page;
  const kept = countWithin(page.events);
  const events = page.events.slice(0, kept).map((event) => eventBodyOf(decodeTimelineEvent(event)));
  return { id, type: 'events', events, status: kept < page.events.length ? 'more' : page.status };
}

function countWithin(events: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const [index, event] of events.entries()) {
    bytes += event.length;
    if (bytes > PAGE_BYTES_MAX && index > 0) return index;
  }
  return events.length;
}
