// "My conversations", one of them, and who is in it. As fresh as the inbox: a membership row stands before the entry that
// implies it is pushed. Whoever left sees the conversation as it was then.
import { decodeTimelineEvent } from '../events/codec.ts';
import { usersOfDirect } from '../events/ids.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import type { MemberRow, MembershipRow, ReaderView, Role, StateStore } from '../ports/store/state-store.ts';
import { intervalsOf } from './reader-intervals.ts';

/** Conversations in one reply: 300 bytes and one read each. */
export const CONVERSATIONS_PAGE_MAX = 1_000;
// Reads under way at once for one request, so that a long list does not crowd out others.
const READS_AT_ONCE = 16;

export interface ConversationSummary {
  readonly conversationId: string;
  readonly kind: 'direct' | 'group';
  /** Empty for a direct conversation. */
  readonly title: string;
  /** The last event known, the messages up to it, and its time; of the last one the reader may see, if they left. */
  readonly seq: number;
  readonly ordinal: number;
  readonly time: number;
  /** null once the reader has left. */
  readonly role: Role | null;
  readonly joinedSeq: number;
  readonly leftSeq: number | null;
}

export interface ConversationsPage {
  /** By conversation id. */
  readonly conversations: readonly ConversationSummary[];
  readonly status: 'more' | 'end';
}

/** The conversations of `user` with an id above `after`, at most `limit`. @throws StoreError */
export async function readConversations(
  store: StateStore,
  user: string,
  after = '',
  limit = CONVERSATIONS_PAGE_MAX,
): Promise<ConversationsPage> {
  const wanted = Math.max(1, Math.min(limit, CONVERSATIONS_PAGE_MAX));
  const memberships = (await store.readMemberships(user))
    .filter(({ conversationId }) => conversationId > after)
    .sort((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
  const page = memberships.slice(0, wanted);
  const conversations: ConversationSummary[] = [];
  for (let i = 0; i < page.length; i += READS_AT_ONCE) {
    const reads = page.slice(i, i + READS_AT_ONCE).map((membership) => summarize(store, membership));
    conversations.push(...(await Promise.all(reads)));
  }
  return { conversations, status: memberships.length > page.length ? 'more' : 'end' };
}

/** One conversation as its present or past member sees it. @throws StoreError */
export async function readConversation(
  store: StateStore,
  conversationId: string,
  reader: string,
): Promise<ConversationSummary | Refusal> {
  const direct = usersOfDirect(conversationId);
  if (direct !== null && !direct.includes(reader)) return refusal('not_a_member');
  const view = await store.readReader(conversationId, reader);
  if (direct !== null) {
    return summarize(store, { user: reader, conversationId, joinedSeq: 1, leftSeq: null, position: 0 });
  }
  if (view === null) return refusal('conversation_not_found');
  const last = intervalsOf(view).at(-1);
  if (last === undefined) return refusal('not_a_member');
  const leftSeq = Number.isFinite(last.to) ? last.to : null;
  return summarize(store, { user: reader, conversationId, joinedSeq: last.from, leftSeq, position: 0 });
}

/** Present members, for a present member. @throws StoreError */
export async function readMembers(
  store: StateStore,
  conversationId: string,
  reader: string,
): Promise<{ readonly members: readonly MemberRow[] } | Refusal> {
  const direct = usersOfDirect(conversationId);
  if (direct !== null) {
    if (!direct.includes(reader)) return refusal('not_a_member');
    return { members: [...new Set(direct)].map((user) => ({ user, role: 'member', joinedSeq: 1 })) };
  }
  const row = await store.loadConversation(conversationId);
  if (row === null) return refusal('conversation_not_found');
  if (!row.members.some(({ user }) => user === reader)) return refusal('not_a_member');
  return { members: row.members };
}

async function summarize(store: StateStore, membership: MembershipRow): Promise<ConversationSummary> {
  const { user, conversationId, joinedSeq } = membership;
  const view = await store.readReader(conversationId, user);
  const leftSeq = membership.leftSeq ?? leftSeqInState(view, joinedSeq);
  const direct = usersOfDirect(conversationId) !== null;
  const kind = direct ? 'direct' : 'group';
  const common = { conversationId, kind, joinedSeq, leftSeq } as const;
  // The entry that made them a member may be pushed before the state is flushed: then the first event knows the title.
  const title = view === null && !direct ? await titleOfFirstEvent(store, conversationId) : (view?.row.title ?? '');
  const role = leftSeq === null ? (view?.member?.role ?? 'member') : null;
  if (view !== null && leftSeq === null) {
    const { seq, ordinal, time } = view.row;
    return { ...common, title, seq, ordinal, time, role };
  }
  // A direct conversation without state has no event yet, as far as anyone needs to know.
  if (leftSeq === null && direct) return { ...common, title, seq: 0, ordinal: 0, time: 0, role };
  const seq = leftSeq ?? joinedSeq;
  const [last] = await store.readTimeline(conversationId, seq, seq, 1, 'ascending');
  return { ...common, title, seq, ordinal: last?.ordinal ?? 0, time: last?.time ?? 0, role };
}

/** The inbox may lag behind the state: someone removed must not see how the conversation goes on. */
function leftSeqInState(view: ReaderView | null, joinedSeq: number): number | null {
  return view?.past.find((past) => past.joinedSeq === joinedSeq)?.leftSeq ?? null;
}

async function titleOfFirstEvent(store: StateStore, conversationId: string): Promise<string> {
  const [first] = await store.readTimeline(conversationId, 1, 1, 1, 'ascending');
  const event = first === undefined ? null : decodeTimelineEvent(first.event);
  return event?.type === 'ConversationCreated' ? event.title : '';
}
