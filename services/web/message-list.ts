// The messages of the open conversation: loads older ones when somebody scrolls up, and tells of new ones below.
import { browserRuntime } from '../client/browser.ts';
import { type BubblePort, chatItemView } from './bubble-view.ts';
import { type ChatItem, chatItems } from './chat-items.ts';
import type { ChatSession } from './chat-session.ts';
import type { Conversation } from './conversation-book.ts';
import { h, icon } from './dom.ts';
import { icons } from './icons.ts';
import { KeyedChildren } from './keyed-children.ts';
import { ScrollKeeper } from './scroll-keeper.ts';

/** Nearer to the top than this, older messages are loaded: two screens of a phone. */
const NEAR_TOP_PX = 1_200;

export class MessageList {
  readonly element: HTMLElement;
  readonly #session: ChatSession;
  readonly #conversation: Conversation;
  readonly #scroller: HTMLElement;
  readonly #top = h('div', { class: 'top-of-chat' });
  readonly #items: KeyedChildren<ChatItem>;
  readonly #keeper: ScrollKeeper;
  readonly #pill: HTMLButtonElement;
  readonly #pillText = h('span');
  readonly #unreadAfter: number | null;
  #pendingCount = 0;
  /** The newest ordinal that was at the bottom of the screen. */
  #seenOrdinal: number;

  constructor(session: ChatSession, conversation: Conversation) {
    this.#session = session;
    this.#conversation = conversation;
    this.#unreadAfter = session.unread(conversation) > 0 ? session.readOrdinal(conversation) : null;
    this.#seenOrdinal = conversation.ordinal;
    const port: BubblePort = {
      retry: (localId) => session.retry(localId),
      discard: (localId) => session.discard(localId),
    };
    const lines = h('div', { class: 'lines' });
    this.#items = new KeyedChildren(lines, (item) => chatItemView(item, conversation.kind === 'group', port));
    const label = 'Messages';
    this.#scroller = h('div', { class: 'messages scroll', role: 'log', 'aria-label': label, tabindex: 0 });
    this.#scroller.append(this.#top, lines);
    this.#pill = h('button', { class: 'pill', type: 'button', hidden: true }, this.#pillText, icon(icons.down));
    this.#pill.addEventListener('click', () => {
      this.#keeper.toBottom('smooth');
      this.#settle();
    });
    this.#keeper = new ScrollKeeper(this.#scroller, () => this.#settle());
    this.element = h('div', { class: 'message-area' }, this.#scroller, this.#pill);
  }

  update(now: number): void {
    const { id, log } = this.#conversation;
    const pending = this.#session.pending.of(id);
    const items = chatItems(log.shown, pending, this.#session.me, now, this.#unreadAfter);
    // Whoever sends wants to see it.
    if (pending.length > this.#pendingCount) this.#keeper.toBottom();
    this.#pendingCount = pending.length;
    this.#keeper.around(
      () => {
        this.#drawTop();
        this.#items.update(items);
      },
      () => [...this.#items.keys()].filter((key) => key.startsWith('seq ')),
      (key) => this.#items.element(key),
    );
    this.#settle();
  }

  #drawTop(): void {
    const { id, kind, title, peer, log } = this.#conversation;
    const { history } = this.#session;
    const isLoading = history.isLoading(id);
    // Loaded history is nothing to read aloud.
    this.#scroller.setAttribute('aria-busy', String(isLoading));
    if (history.hasFailed(id)) {
      const retry = h('button', { class: 'link', type: 'button', onclick: () => history.retry() }, 'Try again');
      this.#top.replaceChildren('Older messages could not be loaded. ', retry);
    } else if (history.hasOlder(id) || isLoading) {
      this.#top.replaceChildren(h('span', { class: 'spinner' }), 'Loading older messages…');
    } else {
      const isEmpty = log.last === undefined;
      const whom = kind === 'group' ? title : peer;
      this.#top.textContent = isEmpty ? `Say hello to ${whom}.` : 'This is where it begins.';
    }
  }

  // After every change and scroll: what is read, what is below, what is to be loaded.
  #settle(): void {
    const { id, ordinal, ownOrdinal } = this.#conversation;
    const isSeen = this.#keeper.isAtBottom && document.visibilityState === 'visible';
    if (isSeen) {
      this.#seenOrdinal = ordinal;
      this.#session.markRead(this.#conversation);
    }
    const below = ordinal - Math.max(this.#seenOrdinal, ownOrdinal);
    this.#pill.hidden = this.#keeper.isAtBottom;
    this.#pillText.textContent = below <= 0 ? '' : below === 1 ? '1 new message' : `${below} new messages`;
    this.#pill.setAttribute('aria-label', below <= 0 ? 'To the newest message' : `${below} new, go to the newest`);
    if (this.#scroller.isConnected && this.#scroller.scrollTop < NEAR_TOP_PX) {
      // Not from inside a change: loading is one.
      browserRuntime.setTimer(0, () => void this.#session.history.loadOlder(id));
    }
  }
}
