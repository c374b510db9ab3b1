// The list of conversations, and who is signed in.
import { avatarView } from './avatar-view.ts';
import { shortLabel } from './calendar.ts';
import type { ChatSession } from './chat-session.ts';
import type { Conversation } from './conversation-book.ts';
import { h, icon } from './dom.ts';
import { previewText } from './event-text.ts';
import { icons } from './icons.ts';
import { KeyedChildren, type KeyedItem } from './keyed-children.ts';
import { addressOf } from './page-address.ts';
import { isRefused } from './pending-sends.ts';

interface Row extends KeyedItem {
  readonly title: string;
  readonly isGroup: boolean;
  readonly preview: string;
  /** Of one's own newest message, while it is not decided or was refused. */
  readonly state: 'sending' | 'not sent' | null;
  readonly when: string;
  readonly unread: number;
  readonly isOpen: boolean;
}

export interface SidebarPort {
  newConversation(): void;
  signOut(): void;
}

const UNREAD_SHOWN_MAX = 99;

export class SidebarView {
  readonly element: HTMLElement;
  readonly #session: ChatSession;
  readonly #rows: KeyedChildren<Row>;
  readonly #empty: HTMLElement;
  readonly #presence = h('span', { class: 'presence' });

  constructor(session: ChatSession, port: SidebarPort) {
    this.#session = session;
    const list = h('div', { class: 'conversations', 'data-list': 'conversations' });
    this.#rows = new KeyedChildren(list, rowView);
    this.#empty = h('p', { class: 'empty-list' });
    const button = { class: 'icon-button', type: 'button' };
    const add = h('button', { ...button, 'aria-label': 'New conversation', title: 'New conversation' });
    add.append(icon(icons.pencil));
    add.addEventListener('click', () => port.newConversation());
    const signOut = h('button', { ...button, 'aria-label': 'Sign out', title: 'Sign out' }, icon(icons.signOut));
    signOut.addEventListener('click', () => port.signOut());
    // noopener, or the new tab would start with a copy of this tab's session.
    const other = h('a', { class: 'icon-button', href: '#sign-in', target: '_blank', rel: 'noopener' });
    other.setAttribute('aria-label', 'Use another account in a new tab');
    other.title = 'Use another account in a new tab';
    other.append(icon(icons.personPlus));
    const who = h('div', { class: 'who' }, h('strong', {}, session.me), this.#presence);
    this.element = h(
      'nav',
      { class: 'sidebar', 'aria-label': 'Conversations' },
      h('header', { class: 'bar' }, h('img', { class: 'logo', src: 'icon.svg', alt: '' }), h('h1', {}, 'Chats'), add),
      h('div', { class: 'scroll' }, list, this.#empty),
      h('footer', { class: 'bar account' }, avatarView(session.me), who, other, signOut),
    );
  }

  update(now: number): void {
    const { book, openId, isListLoaded, state } = this.#session;
    const shown = book.list().filter(({ id, seq, kind }) => seq > 0 || kind === 'group' || id === openId);
    this.#rows.update(shown.map((conversation) => this.#row(conversation, now)));
    this.#empty.textContent = isListLoaded ? 'No conversations yet. Start one with the pencil above.' : 'Loading…';
    this.#empty.hidden = shown.length > 0;
    this.#presence.textContent = state === 'live' ? 'Online' : state === 'syncing' ? 'Catching up' : 'Offline';
    this.#presence.dataset.state = state;
  }

  #row(conversation: Conversation, now: number): Row {
    const { id, kind, time, log } = conversation;
    const pending = this.#session.pending.of(id).at(-1);
    const last = log.last;
    const preview = last === undefined ? '' : previewText(last, this.#session.me, kind === 'direct');
    return {
      key: id,
      title: titleOf(conversation, this.#session.me),
      isGroup: kind === 'group',
      preview: pending === undefined ? preview : `You: ${pending.sent.payload.replace(/\s+/g, ' ')}`,
      state: pending === undefined ? null : isRefused(pending.state) ? 'not sent' : 'sending',
      when: time === 0 ? '' : shortLabel(time, now),
      unread: this.#session.unread(conversation),
      isOpen: id === this.#session.openId,
    };
  }
}

export function titleOf({ title, peer }: Conversation, me: string): string {
  if (peer === me) return `${me} (notes to yourself)`;
  return title === '' ? '…' : title;
}

function rowView({ key, title, isGroup, preview, state, when, unread, isOpen }: Row): HTMLElement {
  const count = unread > UNREAD_SHOWN_MAX ? `${UNREAD_SHOWN_MAX}+` : String(unread);
  const badge = h('span', { class: 'unread', title: `${unread} unread` }, count);
  const text = h('span', { class: 'preview' }, preview);
  if (state !== null) text.prepend(icon(state === 'sending' ? icons.clock : icons.alert, state));
  if (state === 'not sent') text.classList.add('not-sent');
  return h(
    'a',
    {
      class: unread > 0 ? 'conversation has-unread' : 'conversation',
      href: addressOf(key),
      'aria-current': isOpen ? 'page' : null,
      'data-conversation': key,
    },
    avatarView(title, isGroup ? 'group' : 'user'),
    h('span', { class: 'row-title' }, title),
    h('time', {}, when),
    text,
    unread > 0 ? badge : null,
  );
}
