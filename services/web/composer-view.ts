// Where messages are written. Enter sends, Shift+Enter begins a new line; drafts stay with their conversation.
import type { ChatSession } from './chat-session.ts';
import type { Conversation } from './conversation-book.ts';
import { h, icon } from './dom.ts';
import { icons } from './icons.ts';

export class ComposerView {
  readonly element: HTMLElement;
  readonly #session: ChatSession;
  readonly #conversation: Conversation;
  readonly #drafts: Map<string, string>;
  readonly #text: HTMLTextAreaElement;
  readonly #problem = h('p', { class: 'problem', role: 'alert' });
  readonly #form: HTMLFormElement;
  readonly #note = h('p', { class: 'no-member' }, 'You are not a member of this group any more.');

  constructor(session: ChatSession, conversation: Conversation, drafts: Map<string, string>) {
    this.#session = session;
    this.#conversation = conversation;
    this.#drafts = drafts;
    this.#text = h('textarea', {
      rows: 1,
      name: 'message',
      placeholder: 'Write a message',
      'aria-label': 'Message',
      enterkeyhint: 'send',
      dir: 'auto',
    });
    this.#text.value = drafts.get(conversation.id) ?? '';
    const send = h('button', { class: 'send', type: 'submit', 'aria-label': 'Send', title: 'Send' }, icon(icons.send));
    this.#form = h('form', { class: 'composer', name: 'composer' }, h('div', { class: 'paper' }, this.#text, send));
    this.element = h('div', { class: 'composer-area' }, this.#problem, this.#form, this.#note);
    this.#listen();
    this.update();
  }

  focus(): void {
    this.#text.focus({ preventScroll: true });
  }

  update(): void {
    const { role, kind } = this.#conversation;
    const isMember = kind === 'direct' || role !== null || !this.#session.isListLoaded;
    this.#form.hidden = !isMember;
    this.#note.hidden = isMember;
  }

  #listen(): void {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('keydown', (event) => {
      // An Enter that ends a composition (Chinese, Japanese, …) is not meant for us.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => {
      this.#drafts.set(this.#conversation.id, this.#text.value);
      this.#session.retrySoon();
    });
  }

  #send(): void {
    const text = this.#text.value.replace(/^\s*\n|\s+$/g, '');
    if (text.trim() === '') return;
    const refused = this.#session.send(this.#conversation.id, text);
    this.#problem.textContent = refused ?? '';
    if (refused !== null) return;
    this.#text.value = '';
    this.#drafts.delete(this.#conversation.id);
    this.focus();
  }
}
