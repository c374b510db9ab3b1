// The page of a signed-in user. Whatever changed, it is drawn once, a moment later.
import { browserRuntime } from '../client/browser.ts';
import { isConversationId } from '../events/ids.ts';
import { BannerView } from './banner-view.ts';
import { ChatSession } from './chat-session.ts';
import { ChatView } from './chat-view.ts';
import { openDialog } from './dialog.ts';
import { h } from './dom.ts';
import { askForConversation } from './new-conversation.ts';
import { addressOf, conversationOf } from './page-address.ts';
import { SidebarView } from './sidebar-view.ts';
import { askToSignInAgain } from './sign-in-again.ts';
import { type SignedIn, saveSignedIn } from './signed-in.ts';
import { forgetDevice } from './tab-device.ts';

/** A screen refresh: entries that come together are drawn together. A timer, because hidden tabs get no frames. */
const DRAW_AFTER_MS = 16;
const NOTICE_MS = 6_000;

export class ChatPage {
  readonly element: HTMLElement;
  readonly #session: ChatSession;
  readonly #signedOut: () => void;
  readonly #sidebar: SidebarView;
  readonly #banner: BannerView;
  readonly #place = h('div', { class: 'place' });
  readonly #notice = h('div', { class: 'notice', role: 'alert', hidden: true });
  readonly #drafts = new Map<string, string>();
  readonly #onHash = () => this.#navigate();
  readonly #onVisible = () => this.#changed();
  readonly #onOnline = () => this.#session.retryNow();
  readonly #onFocus = () => this.#session.retrySoon();
  #chat: ChatView | null = null;
  #isDrawing = false;
  #isClosed = false;

  constructor(signedIn: SignedIn, device: string, signedOut: () => void) {
    this.#signedOut = signedOut;
    this.#session = new ChatSession(signedIn, device, {
      changed: () => this.#changed(),
      membersChanged: (id) => void (this.#chat?.id === id ? this.#chat.membersChanged() : undefined),
      signInAgain: () => this.#signInAgain(),
      replaced: () => this.#onReplaced(),
      failed: (text) => this.#tell(text),
    });
    this.#sidebar = new SidebarView(this.#session, {
      newConversation: () => askForConversation(this.#session, (id) => this.#go(id)),
      signOut: () => this.#signOut(),
    });
    this.#banner = new BannerView(this.#session);
    const columns = h('div', { class: 'columns' }, this.#sidebar.element, this.#place);
    this.element = h('div', { class: 'app' }, this.#banner.element, columns, this.#notice);
  }

  /** Once it stands in the page. */
  start(): void {
    window.addEventListener('hashchange', this.#onHash);
    window.addEventListener('online', this.#onOnline);
    window.addEventListener('focus', this.#onFocus);
    document.addEventListener('visibilitychange', this.#onVisible);
    this.#navigate();
    this.#session.start();
  }

  #close(): void {
    this.#isClosed = true;
    window.removeEventListener('hashchange', this.#onHash);
    window.removeEventListener('online', this.#onOnline);
    window.removeEventListener('focus', this.#onFocus);
    document.removeEventListener('visibilitychange', this.#onVisible);
    this.#session.close();
  }

  // --- drawing ------------------------------------------------------------------------------------------------------

  #changed(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    browserRuntime.setTimer(DRAW_AFTER_MS, () => {
      this.#isDrawing = false;
      if (!this.#isClosed) this.#draw();
    });
  }

  #draw(): void {
    const now = browserRuntime.now();
    // After a renumbering the open conversation is another object.
    const { openId, book } = this.#session;
    if (openId !== null && this.#chat !== null && !this.#chat.shows(book.open(openId))) this.#show(openId);
    this.#chat?.update(now);
    this.#sidebar.update(now);
    this.#banner.update();
    const { unreadTotal } = this.#session;
    document.title = unreadTotal > 0 ? `(${unreadTotal}) fanlog` : 'fanlog';
  }

  // --- where to -----------------------------------------------------------------------------------------------------

  #go(id: string): void {
    if (conversationOf(location.hash) === id) this.#navigate();
    else location.hash = addressOf(id);
  }

  #navigate(): void {
    const id = conversationOf(location.hash);
    if (id !== null && isConversationId(id)) this.#show(id);
    else this.#showNothing();
    this.#draw();
    this.#chat?.focus();
  }

  #show(id: string): void {
    this.#chat = new ChatView(this.#session, this.#session.open(id), this.#drafts);
    this.#place.replaceChildren(this.#chat.element);
    this.element.dataset.open = 'chat';
  }

  #showNothing(): void {
    this.#chat = null;
    this.#session.openId = null;
    this.element.dataset.open = 'list';
    const text = 'Choose a conversation, or start a new one.';
    this.#place.replaceChildren(
      h('main', { class: 'nothing' }, h('img', { src: 'icon.svg', alt: '' }), h('p', {}, text)),
    );
  }

  // --- the end of a session -----------------------------------------------------------------------------------------

  #signOut(): void {
    this.#close();
    this.#signedOut();
  }

  #signInAgain(): void {
    if (this.#isClosed) return;
    askToSignInAgain(this.#session.api, this.#session.me, {
      done: (signedIn) => {
        saveSignedIn(signedIn);
        this.#session.renew(signedIn);
      },
      signOut: () => this.#signOut(),
    });
  }

  #onReplaced(): void {
    const dialog = openDialog('This chat went on elsewhere', { name: 'replaced', isLasting: true });
    const here = () => {
      forgetDevice(this.#session.me);
      location.reload();
    };
    dialog.body.append(
      h('p', {}, 'Another tab has taken this connection over, perhaps a copy of this one.'),
      h('button', { class: 'primary', type: 'button', onclick: here }, 'Use it here too'),
    );
  }

  #tell(text: string): void {
    this.#notice.textContent = text;
    this.#notice.hidden = false;
    browserRuntime.setTimer(NOTICE_MS, () => {
      if (this.#notice.textContent === text) this.#notice.hidden = true;
    });
  }
}
